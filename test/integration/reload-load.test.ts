// Reloads one after another under load: no call fails, whoever the client is and however the reload was asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import type { ClientTls } from '../support/calls.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { MixedLoad } from '../support/mixed-load.js';

const PROVE = process.env.PROVE !== undefined;
const config: UserConfig = { maxWorkers: 2 };

type Ask = (daemon: Daemon, round: number) => Promise<void>;

const byCommand: Ask = async (daemon) => {
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict], [0, 'done'], report.error);
};

const byHup: Ask = async (daemon, round) => {
  daemon.signal('SIGHUP');
  await daemon.waitFor('reload.ended', { verdict: 'done' }, round);
};

/** One that begins, and two more at once that become one: two reloads a round. */
const byHups: Ask = async (daemon, round) => {
  daemon.signal('SIGHUP');
  await daemon.waitFor('reload.started', {}, 2 * round - 1);
  daemon.signal('SIGHUP');
  daemon.signal('SIGHUP');
  await daemon.waitFor('reload.ended', { verdict: 'done' }, 2 * round);
};

/** @returns the number of calls, and of the connections of each worker at the end */
async function reloadUnderLoad(daemon: Daemon, rounds: number, ask: Ask, tls?: ClientTls): Promise<{ calls: number; connections: number[] }> {
  await using load = new MixedLoad(daemon.address, tls);
  await daemon.until(load.loading(), 'the first answers');
  for (let round = 1; round <= rounds; round += 1) await ask(daemon, round);
  const { workers } = await daemon.status();
  const { calls, failed } = await daemon.until(load.stop(), 'the end of the load');
  assert.deepEqual(failed, [], daemon.log.text);
  assert.deepEqual(daemon.log.all('call.cut'), []);
  return { calls, connections: workers.map(({ connections }) => connections) };
}

test('reloads one after another fail no call, and leave the connections spread over the workers', async (context) => {
  const rounds = PROVE ? 100 : 4;
  // With routers they stay where they are, and it is the calls that are spread (test/integration/router.test.ts).
  await using daemon = await startDaemon({ config: { ...config, balance: 'connection' }, deadline: 60_000 + rounds * 20_000 });
  const begun = performance.now();
  const { calls, connections } = await reloadUnderLoad(daemon, rounds, byHup);
  context.diagnostic(`${calls} calls, ${rounds} reloads, ${Math.round(performance.now() - begun)} ms, connections: ${connections.join(' + ')}`);
  assert(Math.max(...connections) - Math.min(...connections) <= 2, connections.join(' + '));
});

test('reloads by command, with a surge of one worker, fail no call', async () => {
  const rounds = PROVE ? 20 : 2;
  await using daemon = await startDaemon({ config: { ...config, maxWorkers: 3, surge: 1 }, deadline: rounds * 20_000 + 20_000 });
  await reloadUnderLoad(daemon, rounds, byCommand);
});

test('reloads that are asked for twice at once, over TLS, fail no call', async () => {
  const rounds = PROVE ? 10 : 1;
  using certificates = await TestCertificates.make();
  await using daemon = await startDaemon({ config: { ...config, ...certificates.tls }, deadline: rounds * 40_000 });
  await reloadUnderLoad(daemon, rounds, byHups, certificates.clientTls());
});
