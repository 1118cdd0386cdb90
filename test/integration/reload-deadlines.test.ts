// What a reload does with calls that take long: they finish if they can, and are cut by name if they cannot.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.js';
import { GrpcJsPeer } from '../support/grpc-js-peer.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

test('a call that outlives gracefulTimeout ends with UNAVAILABLE, and is named in the report and the log', async () => {
  await using daemon = await startDaemon({ config: { gracefulTimeout: '800ms' } });
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 20_000 }, { timeoutMs: 25_000 });
  const { peer } = (await probe.call('Probe/Identify')).messages[0] ?? assert.fail('no answer');

  const { code, report } = await daemon.reload('--fail-on-cut');
  assert.deepEqual([code, report.verdict], [2, 'done']);
  const { code: status, details } = await daemon.until(sleeping.outcome, 'the end of the call');
  assert.equal(status, 'UNAVAILABLE', details);
  const [cut, ...more] = report.drained.flatMap((worker) => worker.cut);
  assert.deepEqual([cut?.method, cut?.peer, more], ['/probe.v1.Probe/Sleep', peer, []]);
  assert(Number(cut?.ageMs) >= 800, `${String(cut?.ageMs)} ms old`);
  const line = await daemon.waitFor('call.cut', { method: '/probe.v1.Probe/Sleep', peer });
  assert.equal(line.ageMs, cut?.ageMs);
  assert.equal((await daemon.waitFor('reload.ended')).cut, 1);
  assert.equal((await probe.call('Probe/Identify')).messages[0]?.generation, 2);
});

test('an endless stream is cut at streamGracefulTimeout; all other calls go on, and a cut alone is no failure', async () => {
  const servicers = [servicer('probe.js'), servicer('endless-stream.js')];
  await using daemon = await startDaemon({ config: { servicers, streamGracefulTimeout: '700ms' } });
  await using probe = new GrpcJsProbe(daemon.address);
  const endless = probe.open('Misbehaviour/Stream', {}, { timeoutMs: 25_000 });
  await endless.first;
  const load = probe.load('Probe/Sleep', { ms: 50 }, 4);
  await load.loading;
  const sleeping = probe.open('Probe/Sleep', { ms: 4000 });
  const order: string[] = [];
  void endless.outcome.then(() => order.push('stream'));
  void sleeping.outcome.then(() => order.push('unary'));

  const { code, stdout } = await daemon.until(daemon.command('reload', '--config', daemon.configFile), 'the verdict');
  assert.equal(code, 0);
  assert.match(stdout, /^Done: generation 2 serves/m);
  assert.match(stdout, /Warning: 1 calls? (?:was|were) cut:\n {2}\/probe\.v1\.Misbehaviour\/Stream from 127\.0\.0\.1:\d+, \d+\.\d s old, in worker 0/);
  const outcomes = await daemon.until(Promise.all([endless.outcome, sleeping.outcome]), 'the end of both');
  assert.deepEqual(outcomes.map((outcome) => outcome.code), ['UNAVAILABLE', 'OK']);
  assert.deepEqual(order, ['stream', 'unary']);
  const { calls, codes, details } = await daemon.until(load.stop(), 'the end of the load');
  assert.deepEqual(codes, { OK: calls }, JSON.stringify(details));
});

test('streams of Health/Watch end first, are not counted as cut, and do not hold up the drain', async () => {
  await using daemon = await startDaemon();
  await using peer = new GrpcJsPeer(daemon.address);
  await using probe = new GrpcJsProbe(daemon.address);
  const watch = peer.open({ method: '/grpc.health.v1.Health/Watch', kind: 'server_stream', send: [Buffer.alloc(0)], timeoutMs: 25_000 });
  assert.deepEqual(await watch.first, Buffer.from([8, 1]), 'SERVING');
  const sleeping = probe.open('Probe/Sleep', { ms: 3000 });
  await probe.call('Probe/Echo');

  const reload = daemon.reload();
  const first = await daemon.until(Promise.race([watch.outcome, sleeping.outcome]), 'the first end');
  assert.equal(first.code, 'UNAVAILABLE');
  assert.match(first.details, /ask again/);
  assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'OK');
  const { report } = await reload;
  assert.deepEqual(report.drained.flatMap(({ cut }) => cut), []);
  assert(report.tookMs < 10_000, `${report.tookMs} ms`);
});

test('a stream whose servicer heeds context.signal ends itself when its worker begins to drain', async () => {
  await using daemon = await startDaemon();
  await using probe = new GrpcJsProbe(daemon.address);
  const held = probe.open('Probe/Hold', { key: 'k' });
  await held.first;
  const observing = probe.call('Probe/Observe', { key: 'k' });
  await probe.call('Probe/Echo');
  const { report } = await daemon.reload();
  assert.equal((await daemon.until(held.outcome, 'the end of the stream')).code, 'OK');
  const { messages } = await daemon.until(observing, 'the observation');
  assert.deepEqual({ ...messages[0] }, { cancelled: false, draining: true });
  assert.deepEqual(report.drained.map(({ finished, cut }) => [finished, cut]), [[2, []]]);
});
