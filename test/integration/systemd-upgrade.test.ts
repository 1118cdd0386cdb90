// The daemon replaced under systemd, which has to follow: the main process, its watchdog, its sockets, its end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcJsProbe } from '../support/probe.js';
import { freePort, Knocking } from '../support/knocking.js';
import { noSystemd, servicerInside, SOCKET, startService, Systemd, UNIT } from '../support/systemd.js';

const skip = noSystemd;
/** systemd kills a service that is silent for so long, in seconds. */
const WATCHDOG = 6;
/** Two upgrades and more, on a machine that is busy. */
const deadline = 90_000;
const dropIns = { 'grpcserverd@.service': `[Service]\nWatchdogSec=${WATCHDOG}s\n` };

/** As root does it on a machine. @returns the pid of the new daemon */
async function upgrade(systemd: Systemd): Promise<string> {
  const { code, stdout, stderr } = await systemd.run('/run/node', '/run/package/bin/grpcserverd.js', 'upgrade', '--name', 'main', '--runtime-dir', '/run/grpcserverd');
  assert.equal(code, 0, `${stdout}${stderr}${systemd.text}`);
  return String(/^Done: .* pid (\d+) serves/m.exec(stdout)?.[1]);
}

test('systemd follows the new daemon: the unit stays active, the watchdog is answered, a failed upgrade changes nothing, a stop stops the new one', { skip }, async () => {
  await using systemd = await startService({ dropIns, deadline });
  await using probe = new GrpcJsProbe(systemd.address);
  const load = probe.load('Probe/Sleep', { ms: 10 }, 4, { timeoutMs: 20_000 });
  await systemd.until(load.loading, 'the first answers');
  const first = await systemd.show('MainPID');

  systemd.configure({ servicers: [servicerInside('no-hook.js')] });
  const { code, stdout } = await systemd.run('/run/node', '/run/package/bin/grpcserverd.js', 'upgrade', '--name', 'main', '--runtime-dir', '/run/grpcserverd');
  assert.equal(code, 1, systemd.text);
  assert.match(stdout, /no-hook\.js/);
  assert.equal(await systemd.show('MainPID'), first);

  systemd.configure({ maxWorkers: 3 });
  const second = await upgrade(systemd);
  assert.equal(await systemd.show('MainPID'), second);
  assert.notEqual(second, first);
  assert.deepEqual([await systemd.show('ActiveState'), await systemd.show('SubState'), await systemd.show('NRestarts')], ['active', 'running', '0'], systemd.text);
  await systemd.shows('StatusText', /^Serving: 3 of 3 workers ready/);
  // The old one, whose answers counted until now, is gone.
  await systemd.deadline.poll(async () => ((await systemd.run('test', '-e', `/proc/${first}`)).code === 0 ? undefined : true), 'the end of the old one');
  const before = Number(await systemd.show('WatchdogTimestampMonotonic'));
  await systemd.deadline.poll(
    async () => (Number(await systemd.show('WatchdogTimestampMonotonic')) > before + WATCHDOG * 1e6 ? true : undefined),
    'signs of life for longer than the watchdog waits',
    () => systemd.text,
  );
  assert.equal(await systemd.show('MainPID'), second);
  const { calls, codes } = await systemd.until(load.stop(), 'the last answers');
  assert.equal(codes.OK, calls, systemd.text);

  await systemd.systemctl('reload', UNIT);
  await systemd.systemctl('stop', UNIT);
  assert.deepEqual([await systemd.show('ActiveState'), await systemd.show('Result')], ['inactive', 'success']);
  assert.deepEqual(systemd.events('daemon.stopped').map(({ pid }) => String(pid)).slice(-2), [first, second]);
  assert.equal((await systemd.run('test', '-e', '/run/grpcserverd/main')).code, 1);
});

test('with the port held by systemd, upgrades refuse no connection, and the new daemon serves what was passed', { skip }, async () => {
  const port = await freePort();
  await using systemd = await Systemd.start({ deadline, dropIns: { ...dropIns, 'grpcserverd@.socket': `[Socket]\nListenStream=\nListenStream=127.0.0.1:${port}\n` } });
  await systemd.systemctl('start', SOCKET);
  await systemd.systemctl('start', UNIT);
  await using probe = new GrpcJsProbe(`127.0.0.1:${port}`);
  const load = probe.load('Probe/Sleep', { ms: 10 }, 4, { timeoutMs: 20_000 });
  await systemd.until(load.loading, 'the first answers');
  await using knocking = new Knocking({ host: '127.0.0.1', port });
  await upgrade(systemd);
  const pid = await upgrade(systemd);
  assert.equal(await systemd.show('MainPID'), pid);
  assert.deepEqual(systemd.events('daemon.sockets-passed').at(-1)?.sockets, [`grpc: 127.0.0.1:${port}`]);
  // A restart is served by the same socket still.
  await systemd.systemctl('restart', UNIT);
  await using late = new GrpcJsProbe(`127.0.0.1:${port}`);
  assert.equal((await late.call('Probe/Echo')).code, 'OK', systemd.text);
  const { refused, attempts } = await knocking.stop();
  assert.deepEqual(refused, [], `of ${attempts} connections`);
  const { calls, codes } = await systemd.until(load.stop(), 'the last answers');
  assert.equal(codes.OK, calls, systemd.text);
});

test('a new daemon that is killed after it took over is started again by systemd', { skip }, async () => {
  await using systemd = await startService({ deadline, dropIns: { 'grpcserverd@.service': '[Service]\nRestartSec=100ms\n' } });
  const pid = await upgrade(systemd);
  await systemd.systemctl('kill', '-s', 'KILL', '--kill-who=main', UNIT);
  await systemd.shows('NRestarts', /^1$/);
  await systemd.shows('StatusText', /^Serving: 2 of 2/);
  assert.notEqual(await systemd.show('MainPID'), pid);
});
