// Processes that stand still: a stopped primary kills nobody, a stopped worker costs nobody else a call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { SERVICER, startOwn } from '../support/own-servicer.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

/** The shortest that is allowed; a worker is withdrawn after 3 s of silence then. */
const hangTimeout = '4s';
const skip = process.platform !== 'linux' && 'needs SIGSTOP as on Linux';

async function pidOf(daemon: Daemon, probe: GrpcJsProbe): Promise<number> {
  const { messages } = await daemon.until(probe.call('Probe/Identify'), 'an answer');
  return messages[0]?.pid ?? assert.fail('no answer');
}

test('a primary that was stopped for longer than every timeout kills nobody when it goes on', { skip }, async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 2, hangTimeout } });
  await using probe = new GrpcJsProbe(daemon.address);
  const pid = await pidOf(daemon, probe);
  const before = await daemon.status();
  daemon.signal('SIGSTOP');
  const late = new GrpcJsProbe(daemon.address);
  const waiting = late.call('Probe/Echo');
  await delay(5000); // above hangTimeout
  assert.equal(await pidOf(daemon, probe), pid, 'calls need no primary');
  daemon.signal('SIGCONT');
  assert.equal((await daemon.until(waiting, 'the answer to whoever connected meanwhile')).code, 'OK');
  await late[Symbol.asyncDispose]();
  // Two heartbeats on, whatever the pause could have caused has happened.
  await delay(4100);
  const after = await daemon.status();
  assert.deepEqual(after.workers.map(({ pid: each, state }) => [each, state]), before.workers.map(({ pid: each }) => [each, 'ready']));
  for (const event of ['worker.silent', 'worker.killed', 'worker.gone'] as const) assert.deepEqual(daemon.log.all(event), []);
});

test('a stopped worker is withdrawn, killed and replaced; the connections on their way to it are served by another', { skip }, async () => {
  await using daemon = await startDaemon({ config: { balance: 'connection', maxWorkers: 2, hangTimeout } });
  const stopped = daemon.workerPid(0);
  process.kill(stopped, 'SIGSTOP');
  // The first goes to slot 0, which has as few connections as slot 1; it never says that it has it.
  await using first = new GrpcJsProbe(daemon.address);
  const rescued = first.call('Probe/Identify');
  await delay(400); // after 200 ms it counts as stalled
  await using second = new GrpcJsProbe(daemon.address);
  assert.equal(await pidOf(daemon, second), daemon.workerPid(1));
  assert.deepEqual(daemon.log.all('worker.silent'), [], 'the second client did not have to wait');

  await daemon.waitFor('worker.silent', { worker: stopped });
  assert.equal((await daemon.waitFor('worker.gone', { worker: stopped })).signal, 'SIGKILL');
  const { code, messages } = await daemon.until(rescued, 'the answer to the connection that was on its way');
  assert.equal(code, 'OK');
  assert.notEqual(messages[0]?.pid, stopped);
  await daemon.waitFor('worker.ready', { slot: 0 }, 2);
  assert.equal((await daemon.status()).health, 'healthy');
});

test('a worker that goes on in time is left alone', { skip }, async () => {
  await using daemon = await startDaemon({ config: { hangTimeout } });
  await using probe = new GrpcJsProbe(daemon.address);
  const pid = await pidOf(daemon, probe);
  process.kill(pid, 'SIGSTOP');
  const waiting = pidOf(daemon, probe);
  await delay(600); // less than the silence that a worker is allowed
  process.kill(pid, 'SIGCONT');
  assert.equal(await waiting, pid);
  assert.deepEqual(daemon.log.all('worker.silent'), []);
});

test('a worker that was stopped before it could drain is killed, its calls are named, and the reload is done', { skip }, async () => {
  // Long enough for the reload to come to the drain before the worker is taken for hung.
  await using daemon = await startDaemon({ config: { hangTimeout: '16s' }, deadline: 90_000 });
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 60_000 }, { timeoutMs: 70_000 });
  const pid = await pidOf(daemon, probe);
  // Its next heartbeat tells the primary of the call.
  await daemon.deadline.poll(async () => ((await daemon.status()).workers.some(({ inFlight }) => inFlight === 1) ? true : undefined), 'a heartbeat');
  process.kill(pid, 'SIGSTOP');
  const { code, report } = await daemon.reload('--fail-on-cut');
  assert.deepEqual([code, report.verdict], [2, 'done']);
  assert.deepEqual(report.drained.flatMap(({ cut }) => cut.map(({ method }) => method)), ['/probe.v1.Probe/Sleep']);
  assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'UNAVAILABLE');
  assert.equal((await daemon.waitFor('worker.killed', { worker: pid })).cause, 'did not leave after: reload');
});

test('a servicer that ignores the drain cannot hold a reload back', async () => {
  await using daemon = await startDaemon({ config: { servicers: [servicer('probe.js'), servicer('ignores-drain.js')] } });
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict], [0, 'done']);
  assert.equal(daemon.log.all('worker.gone', { generation: 1 }).length, 1);
});

test('code that has become permanently unfit after its reload puts its slot off, and a reload mends it', async () => {
  await using daemon = await startOwn({ maxWorkers: 2 });
  const good = `export { grpcHook } from ${JSON.stringify(servicer('probe.js'))};\n`;
  assert.equal((await daemon.reload()).code, 0);
  daemon.dir.write(SERVICER, `process.exit(78);\n${good}`);
  process.kill(daemon.workerPid(1), 'SIGKILL');
  await daemon.waitFor('worker.gone', { slot: 1, exitCode: 78 });
  await daemon.waitFor('worker.waiting', { slot: 1 });
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  assert.equal((await daemon.status()).health, 'degraded');
  daemon.dir.write(SERVICER, good);
  assert.equal((await daemon.reload()).code, 0);
  assert.equal((await daemon.status()).health, 'healthy');
});
