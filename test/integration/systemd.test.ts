// The daemon as a service of a real systemd, with the units that are shipped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcJsProbe } from '../support/probe.js';
import { noSystemd, servicerInside, startService, UNIT } from '../support/systemd.js';

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
