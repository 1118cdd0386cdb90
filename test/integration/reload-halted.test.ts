// With a surge smaller than the fleet old workers leave before all new ones are ready: a failure then halts half-way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dying, GOOD, hook, SERVICER, startOwn } from '../support/own-servicer.js';
import { GrpcJsProbe } from '../support/probe.js';

/** Boots in slot 0 alone. */
const HALF_GOOD = hook("if (context.slot > 0) throw new Error('no room for a second one');", 'await probe(server, context);');

test('a failure after an old worker has left halts the reload: both generations serve, and the next one mends it', async () => {
  await using daemon = await startOwn({ maxWorkers: 2, surge: 1 });
  const clients = Array.from({ length: 4 }, () => new GrpcJsProbe(daemon.address));
  const generations = async (): Promise<(number | undefined)[]> => {
    const outcomes = await daemon.until(Promise.all(clients.map((client) => client.call('Probe/Identify'))), 'all answers');
    assert.deepEqual(new Set(outcomes.map(({ code }) => code)), new Set(['OK']));
    return outcomes.map(({ messages }) => messages[0]?.generation);
  };
  assert.deepEqual(await generations(), [1, 1, 1, 1]);

  daemon.dir.write(SERVICER, HALF_GOOD);
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict], [1, 'halted'], JSON.stringify(report));
  assert.match(report.error, /no room for a second one/);
  const { health, workers, problems } = await daemon.status();
  assert.deepEqual(workers.filter(({ state }) => state === 'ready').map(({ slot, generation }) => [slot, generation]), [[0, 2], [1, 1]]);
  assert.equal(health, 'degraded');
  assert.match(problems.join('\n'), /Two generations serve/);
  assert.deepEqual(new Set(await generations()), new Set([1, 2]));

  daemon.dir.write(SERVICER, GOOD);
  const mended = await daemon.reload();
  assert.deepEqual([mended.code, mended.report.verdict], [0, 'done'], mended.report.error);
  assert.deepEqual(await generations(), [3, 3, 3, 3]);
  assert.equal((await daemon.status()).health, 'healthy');
  for (const client of clients) await client[Symbol.asyncDispose]();
});

test('a canary that fails rolls back with a small surge, too', async () => {
  await using daemon = await startOwn({ maxWorkers: 2, surge: 1 });
  daemon.dir.write(SERVICER, dying());
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict], [1, 'rolled-back'], JSON.stringify(report));
  assert.deepEqual((await daemon.status()).workers.map(({ generation }) => generation), [1, 1]);
});
