// The daemon as a container runs it: PID 1, a root that cannot be written, a share of the processors.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { AS_PID_1, childOf, noNamespaces, QuotaOfOne, withReadOnlyRoot } from '../support/container.js';
import { Daemon, startDaemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

const skip = noNamespaces;

test('as PID 1 it reloads on HUP, stops on TERM when its calls have ended, and leaves nobody', { skip }, async () => {
  await using daemon = await startDaemon({ launcher: AS_PID_1, config: { maxWorkers: 2 } });
  assert.equal(daemon.log.all('daemon.starting')[0]?.pid, 1);
  const pid = childOf(daemon.pid);
  process.kill(pid, 'SIGHUP');
  assert.equal((await daemon.waitFor('reload.ended')).verdict, 'done');
  await using probe = new GrpcJsProbe(daemon.address);
  const call = probe.open('Probe/Repeat', { times: 10, size: 1, ms: 50 });
  await daemon.until(call.first, 'the first message');
  process.kill(pid, 'SIGTERM');
  const { code, messages } = await daemon.until(call.outcome, 'the end of the call');
  assert.deepEqual([code, messages.length], ['OK', 10]);
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), { code: 0, signal: null });
  assert.deepEqual(daemon.log.all('daemon.zombies'), []);
});

test('as PID 1 it says once that processes are left to it which it cannot take away, and what to do', { skip }, async () => {
  await using daemon = await startDaemon({ launcher: AS_PID_1, config: { servicers: [servicer('probe.js'), servicer('leaves-a-zombie.js')] } });
  const { count, processes, hint, level } = await daemon.waitFor('daemon.zombies');
  assert.deepEqual([count, level], [1, 'warn']);
  assert.match(String(processes), /^sleep \(\d+\)$/);
  assert.match(String(hint), /docker run --init/);
  process.kill(childOf(daemon.pid), 'SIGTERM');
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), { code: 0, signal: null });
});

const NEVER_LOADED = `
import { writeFileSync } from 'node:fs';
writeFileSync(new URL('loading', import.meta.url), '');
await new Promise((resolve) => setTimeout(resolve, 60_000));
`;

test('as PID 1 it can be stopped while it still reads its config', { skip }, async () => {
  await using daemon = new Daemon({ launcher: AS_PID_1, configText: { name: 'grpcserverd.config.mjs', text: NEVER_LOADED } });
  await daemon.deadline.poll(() => (existsSync(daemon.dir.join('loading')) ? true : undefined), 'the config to be read');
  process.kill(childOf(daemon.pid), 'SIGTERM');
  // 128 and the number of the signal, as a shell says it.
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), { code: 143, signal: null });
});

for (const balance of ['connection', 'rpc'] as const) {
  test(`with a root that cannot be written only the runtime folder has to be writable; balance ${balance}`, { skip }, async () => {
    const runtime = '/mnt';
    await using daemon = await startDaemon({
      launcher: withReadOnlyRoot(runtime),
      // A TypeScript servicer, which is compiled, and would be cached.
      config: { transport: 'lean', balance, runtimeDir: `${runtime}/run`, servicers: [servicer('probe.js'), servicer('typescript.ts')] },
    });
    const inside = (...command: [string, ...string[]]) => spawnSync('nsenter', ['-t', String(daemon.pid), '-m', ...command], { env: daemon.env, encoding: 'utf8' });
    const { status, stderr } = inside('touch', '/etc/x', `${daemon.dir.path}/x`, '/tmp/x', '/var/tmp/x');
    assert.deepEqual([status, stderr.match(/Read-only file system/g)?.length], [1, 4], stderr);
    await using probe = new GrpcJsProbe(daemon.address);
    assert.equal((await probe.call('Probe/Echo')).code, 'OK');
    daemon.signal('SIGHUP');
    const { verdict, error } = await daemon.waitFor('reload.ended');
    assert.equal(verdict, 'done', String(error));
    assert.equal((await probe.call('Probe/Echo')).code, 'OK');
    assert.deepEqual(inside('ls', `${runtime}/run/default`).stdout.split('\n').includes('control.sock'), true);
    assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
  });
}

test('a CPU quota that stands on a group above decides how many workers auto is', async (t) => {
  if (availableParallelism() < 2) {
    t.skip('needs two processors');
    return;
  }
  using quota = QuotaOfOne.make();
  if (quota === null) {
    t.skip('this user can make no control group with a CPU quota here');
    return;
  }
  await using daemon = await startDaemon({ launcher: quota.launcher, config: { maxWorkers: 'auto' } });
  assert.equal((await daemon.waitFor('daemon.ready')).workers, 1);
});
