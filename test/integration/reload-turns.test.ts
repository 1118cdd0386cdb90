// Reloads that meet other events: each other, the boot, a stop, a crash loop.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { findDaemon, withControl } from '#src/cli/control-client.js';
import type { ReloadReport } from '#src/control/definition.js';
import { deferred } from '#src/shared/deferred.js';
import { Daemon, startDaemon } from '../support/daemon.js';
import { dying, GOOD, SERVICER, startOwn } from '../support/own-servicer.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

const DONE = { code: 0, signal: null };
const slow = { servicers: [servicer('probe.js'), servicer('boots-slowly.js')] };

test('reloads that are asked for during a reload are one, and share its verdict', async () => {
  await using daemon = await startDaemon();
  await using probe = new GrpcJsProbe(daemon.address);
  // It keeps the first reload from ending before the others have been asked for.
  const sleeping = probe.open('Probe/Sleep', { ms: 25_000 }, { timeoutMs: 28_000 });
  await probe.call('Probe/Echo');
  const found = await findDaemon({ runtimeDir: daemon.dir.join('run', 'grpcserverd') });
  /** The first progress tells that it has been heard. */
  const ask = async (onHeard: () => void): Promise<ReloadReport> => withControl(found, (control) => control.reload(false, onHeard));

  const first = ask(() => undefined);
  await daemon.waitFor('worker.draining', { generation: 1 });
  const heard = [deferred(), deferred(), deferred()];
  const others = heard.map((one) => ask(() => one.resolve()));
  await daemon.until(Promise.all(heard.map(({ promise }) => promise)), 'progress for all');
  daemon.signal('SIGHUP');
  daemon.signal('SIGHUP');
  sleeping.cancel();
  const reports = await daemon.until(Promise.all([first, ...others]), 'all verdicts');
  assert.deepEqual(reports.map(({ verdict, generation }) => [verdict, generation]), [['done', 2], ['done', 3], ['done', 3], ['done', 3]]);
  await daemon.waitFor('reload.ended', {}, 2);
  assert.equal(daemon.log.all('reload.ended').length, 2);
  assert.equal((await daemon.status()).primary.generation, 3);
});

test('a reload that is asked for while the daemon boots waits for the fleet that it replaces', async () => {
  await using daemon = new Daemon({ config: slow });
  await daemon.waitFor('worker.starting');
  daemon.signal('SIGHUP');
  await daemon.waitFor('reload.ended', { verdict: 'done', generation: 2 });
  const events = daemon.log.records.map(({ event }) => event);
  assert(events.indexOf('daemon.ready') < events.indexOf('reload.started'));
});

test('TERM during a reload pre-empts it: the command exits 75, the daemon 0', async () => {
  await using daemon = await startDaemon({ config: slow });
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 2500 });
  await probe.call('Probe/Echo');
  const reload = daemon.reload();
  await daemon.waitFor('worker.starting', { generation: 2 });
  daemon.signal('SIGTERM');
  const { code, report } = await reload;
  assert.deepEqual([code, report.verdict], [75, 'pre-empted']);
  assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'OK');
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
});

test('TERM while the new config is still being read pre-empts the reload, too', async () => {
  await using daemon = await startDaemon();
  const processes = daemon.processes().length;
  daemon.signal('SIGHUP');
  await daemon.deadline.poll(() => (daemon.processes().length > processes ? true : undefined), 'the child that reads the config');
  daemon.signal('SIGTERM');
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
  assert.deepEqual(daemon.log.all('reload.started'), []);
  assert.deepEqual(daemon.log.records.slice(-2).map(({ event, verdict }) => [event, verdict]), [['reload.ended', 'pre-empted'], ['daemon.stopped', undefined]]);
});

for (const [name, ask] of [
  ['QUIT', (daemon: Daemon) => {
    daemon.signal('SIGQUIT');
    return Promise.resolve();
  }],
  ['a second TERM', async (daemon: Daemon) => {
    daemon.signal('SIGTERM');
    await delay(600); // the least distance of an impatient signal is 500 ms
    daemon.signal('SIGTERM');
  }],
] as const) {
  test(`${name} while old workers drain ends all within seconds`, async () => {
    await using daemon = await startDaemon();
    await using probe = new GrpcJsProbe(daemon.address);
    const sleeping = probe.open('Probe/Sleep', { ms: 20_000 }, { timeoutMs: 25_000 });
    await probe.call('Probe/Echo');
    const reload = daemon.reload();
    await daemon.waitFor('worker.draining', { generation: 1 });
    const begun = performance.now();
    await ask(daemon);
    assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'UNAVAILABLE');
    assert.equal((await reload).code, 75);
    assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
    assert(performance.now() - begun < 5000, 'a quick stop is quick');
  });
}

test('a slot that crashes again and again is mended by a reload, and a reload into the same code is rolled back', async () => {
  await using daemon = await startOwn({ maxWorkers: 2 });
  daemon.dir.write(SERVICER, dying());
  process.kill(daemon.workerPid(1), 'SIGKILL');
  await daemon.waitFor('worker.waiting', { slot: 1 });
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');

  const broken = await daemon.reload();
  assert.deepEqual([broken.code, broken.report.verdict], [1, 'rolled-back']);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');

  daemon.dir.write(SERVICER, GOOD);
  const mended = await daemon.reload();
  assert.deepEqual([mended.code, mended.report.verdict], [0, 'done'], mended.report.error);
  const { health, workers } = await daemon.status();
  assert.deepEqual([health, workers.map(({ state }) => state)], ['healthy', ['ready', 'ready']]);
});
