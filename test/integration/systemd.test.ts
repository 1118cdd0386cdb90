// The daemon as a service of a real systemd, with the units that are shipped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcJsProbe } from '../support/probe.js';
import { noSystemd, servicerInside, startService, Systemd, UNIT } from '../support/systemd.js';

const skip = noSystemd;

test('it is started when the whole fleet is ready, and says how many serve', { skip }, async () => {
  await using systemd = await startService();
  assert.equal(systemd.events('daemon.ready').length, 1, systemd.text);
  assert.equal(await systemd.show('ActiveState'), 'active');
  assert.equal(await systemd.shows('StatusText', /Serving/), 'Serving: 2 of 2 workers ready, generation 1');
  await using probe = new GrpcJsProbe(systemd.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  const { code, stdout, stderr } = await systemd.run('grpcserverd', 'status', '--name', 'main');
  assert.equal(code, 0, stdout + stderr);
});

test('systemctl reload waits for the verdict, and the status line tells it', { skip }, async () => {
  await using systemd = await startService();
  systemd.configure({ maxWorkers: 3 });
  await systemd.systemctl('reload', UNIT);
  assert.equal(systemd.events('reload.ended')[0]?.verdict, 'done', systemd.text);
  assert.equal(await systemd.shows('StatusText', /3 of 3.*done/), 'Serving: 3 of 3 workers ready, generation 2, last reload done');
  assert.equal(await systemd.show('ActiveState'), 'active');
});

test('systemctl reload fails with the reason when the new generation does, and the old one serves on', { skip }, async () => {
  await using systemd = await startService();
  systemd.configure({ servicers: [servicerInside('syntax-error.js')] });
  const { code } = await systemd.run('systemctl', 'reload', UNIT);
  assert.notEqual(code, 0);
  assert.match(await systemd.shows('StatusText', /last reload/), /2 of 2 workers ready, generation 1, last reload rolled-back: .*syntax-error\.js/);
  assert.equal(await systemd.show('ActiveState'), 'active');
  await using probe = new GrpcJsProbe(systemd.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
});

test('a reload by signal is a reload for systemd too, until its end', { skip }, async () => {
  await using systemd = await startService();
  systemd.configure({ servicers: [servicerInside('probe.js'), servicerInside('boots-slowly.js')] });
  await systemd.systemctl('kill', '-s', 'HUP', '--kill-who=main', UNIT);
  await systemd.shows('ActiveState', /^reloading$/);
  await systemd.shows('ActiveState', /^active$/);
  assert.equal(systemd.events('reload.ended')[0]?.verdict, 'done', systemd.text);
});

test('a start that takes longer than TimeoutStartSec gets the time that it asks for', { skip }, async () => {
  const systemd = await Systemd.start({
    config: { servicers: ['./slow.js'], maxWorkers: 1 },
    dropIns: { 'grpcserverd@.service': '[Service]\nTimeoutStartSec=2s\n' },
  });
  await using _ = systemd;
  systemd.app.write('slow.js', 'exports.grpcHook = () => new Promise((resolve) => setTimeout(resolve, 2500));');
  await systemd.systemctl('start', UNIT);
  assert.equal(await systemd.show('ActiveState'), 'active');
});

test('a primary that hangs is killed by the watchdog and started again', { skip }, async () => {
  await using systemd = await startService({ dropIns: { 'grpcserverd@.service': '[Service]\nWatchdogSec=1500ms\nRestartSec=100ms\n' } });
  // It is answered as long as it runs: well past the first period.
  await systemd.deadline.poll(async () => {
    const since = Number(await systemd.show('WatchdogTimestampMonotonic')) - Number(await systemd.show('ActiveEnterTimestampMonotonic'));
    return since > 3_000_000 ? true : undefined;
  }, 'answers over two periods');
  assert.equal(await systemd.show('NRestarts'), '0', systemd.text);
  const pid = await systemd.show('MainPID');
  await systemd.systemctl('kill', '-s', 'STOP', '--kill-who=main', UNIT);
  await systemd.shows('NRestarts', /^1$/);
  await systemd.shows('ActiveState', /^active$/);
  assert.notEqual(await systemd.show('MainPID'), pid);
  await using probe = new GrpcJsProbe(systemd.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
});

test('a primary that is killed is started again, and nothing of the old one is left', { skip }, async () => {
  await using systemd = await startService({ dropIns: { 'grpcserverd@.service': '[Service]\nRestartSec=100ms\n' } });
  await systemd.systemctl('kill', '-s', 'KILL', '--kill-who=main', UNIT);
  await systemd.shows('NRestarts', /^1$/);
  await systemd.shows('ActiveState', /^active$/);
  const group = await systemd.show('ControlGroup');
  const { stdout } = await systemd.run('systemd-cgls', '--no-pager', '--full', group);
  assert.equal(stdout.match(/worker\/main\.js|grpcserverd: worker/g)?.length, 2, stdout);
  await using probe = new GrpcJsProbe(systemd.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
});

test('a stop lets calls in flight finish, and is clean', { skip }, async () => {
  await using systemd = await startService();
  await using probe = new GrpcJsProbe(systemd.address);
  const call = probe.open('Probe/Repeat', { times: 40, size: 10, ms: 50 });
  await systemd.until(call.first, 'the first message of the stream');
  const stopped = systemd.systemctl('stop', UNIT);
  await systemd.shows('StatusText', /^Stopping: \d workers? finish(es)? (its|their) calls$/);
  const { code, messages } = await systemd.until(call.outcome, 'the end of the stream');
  assert.deepEqual([code, messages.length], ['OK', 40], systemd.text);
  await stopped;
  assert.equal(await systemd.show('ActiveState'), 'inactive');
  assert.equal(await systemd.show('Result'), 'success');
  assert.equal(systemd.events('daemon.stopped')[0]?.cut, 0, systemd.text);
});
