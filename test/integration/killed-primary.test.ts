// A primary that is killed without warning, in the middle of a reload: calls finish, nothing is left, the next start works.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.js';
import { GrpcJsProbe } from '../support/probe.js';
import { TempDir } from '../support/temp-dir.js';

test('a primary killed during a reload: its workers of both generations finish their calls and go, and the next start takes its place', async () => {
  using dir = new TempDir();
  const address = `unix:${dir.join('grpc.sock')}`;
  const config = { maxWorkers: 2, host: address, pidfile: dir.join('pid') };
  const env = { XDG_RUNTIME_DIR: dir.path };
  {
    await using daemon = await startDaemon({ config, env });
    await using probe = new GrpcJsProbe(address);
    const sleeping = probe.open('Probe/Sleep', { ms: 4000 });
    await probe.call('Probe/Echo');
    daemon.signal('SIGHUP');
    await daemon.waitFor('worker.draining', { generation: 1 });
    daemon.signal('SIGKILL');
    assert.deepEqual(await daemon.until(daemon.exit, 'the exit of the primary'), { code: null, signal: 'SIGKILL' });
    assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'OK');
    await daemon.deadline.poll(() => (daemon.processes().length === 0 ? true : undefined), 'the end of the workers', () => daemon.log.text);
    assert.equal(daemon.log.all('call.cut').length, 0);
    assert(existsSync(dir.join('pid')) && existsSync(dir.join('grpc.sock')), 'it could not clean up');
  }
  await using next = await startDaemon({ config, env });
  await using probe = new GrpcJsProbe(address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  assert.equal(readFileSync(dir.join('pid'), 'utf8').trim(), String(next.pid));
  assert.equal((await next.status()).primary.pid, next.pid);
  assert.equal((await next.reload()).code, 0);
});

test('calls that do not end within seconds of the death of the primary are cut by name', async () => {
  await using daemon = await startDaemon();
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 25_000 }, { timeoutMs: 28_000 });
  await probe.call('Probe/Echo');
  daemon.signal('SIGKILL');
  const { code, details } = await daemon.until(sleeping.outcome, 'the end of the call');
  assert.equal(code, 'UNAVAILABLE');
  assert.match(details, /took too long/);
  await daemon.deadline.poll(() => (daemon.processes().length === 0 ? true : undefined), 'the end of the worker', () => daemon.log.text);
  assert.equal(daemon.log.all('call.cut', { method: '/probe.v1.Probe/Sleep' }).length, 1);
});
