// How a daemon stops: what each signal asks for, and what becomes of the calls in flight.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Daemon, startDaemon } from '../support/daemon.js';
import { ROOT, servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { TempDir } from '../support/temp-dir.js';

const DONE = { code: 0, signal: null };

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} finishes the calls in flight, takes no new ones, and exits 0`, async () => {
    await using daemon = await startDaemon({ config: { maxWorkers: 2 } });
    await using probe = new GrpcJsProbe(daemon.address);
    await using late = new GrpcJsProbe(daemon.address);
    const held = probe.open('Probe/Hold', { key: 'k' });
    const sleeping = probe.open('Probe/Sleep', { ms: 1500 });
    await held.first;

    daemon.signal(signal);
    await daemon.waitFor('daemon.stopping', { cause: signal, quick: false });
    assert.equal((await late.call('Probe/Echo', {}, { timeoutMs: 2000 })).code, 'UNAVAILABLE');
    // The servicer ends its stream when the context's signal says that the worker drains.
    assert.equal((await daemon.until(held.outcome, 'the end of the stream')).code, 'OK');
    assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'OK');
    assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
    assert.equal(daemon.log.records.at(-1)?.event, 'daemon.stopped');
    assert.equal(daemon.log.all('daemon.stopped')[0]?.cut, 0);
  });
}

test('Ctrl-C, which reaches every process of the group, is a graceful stop like any other', async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 2 } });
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 1000 });
  await probe.call('Probe/Echo');
  daemon.signalGroup('SIGINT');
  assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'OK');
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
  assert.equal(daemon.log.all('worker.gone', ({ exitCode }) => exitCode === 0).length, 2);
});

test('a module that holds every process does not keep a daemon that has stopped, and what holds it is in the log', async () => {
  await using daemon = await startDaemon({ env: { NODE_OPTIONS: `--import=${pathToFileURL(`${ROOT}test/fixtures/holds-process.js`).href}` } });
  assert.deepEqual(await daemon.stop(), DONE);
  const { resources } = await daemon.waitFor('daemon.lingering');
  assert.ok(Array.isArray(resources) && resources.includes('Timeout'), String(resources));
});

test('two TERMs at once are one: npm and terminals send a signal twice', async () => {
  await using daemon = await startDaemon();
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 2500 });
  await probe.call('Probe/Echo');
  daemon.signal('SIGTERM');
  await daemon.waitFor('daemon.stopping', { quick: false });
  daemon.signal('SIGTERM');
  assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'OK');
  assert.deepEqual(daemon.log.all('daemon.stopping', { quick: true }), []);
});

test('a TERM some time after the first one means quick: calls get 2 s', async () => {
  await using daemon = await startDaemon();
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 20_000 }, { timeoutMs: 25_000 });
  await probe.call('Probe/Echo');
  daemon.signal('SIGTERM');
  await daemon.waitFor('daemon.stopping', { quick: false });
  await delay(600); // the least distance of an impatient signal is 500 ms
  daemon.signal('SIGTERM');
  const begun = performance.now();
  await daemon.waitFor('daemon.stopping', { quick: true });
  assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'UNAVAILABLE');
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
  assert(performance.now() - begun < 5000, 'a quick stop is quick');
});

test('QUIT gives the calls in flight 2 s, and names those that it cut', async () => {
  await using daemon = await startDaemon();
  await using probe = new GrpcJsProbe(daemon.address);
  const short = probe.open('Probe/Sleep', { ms: 800 });
  const long = probe.open('Probe/Sleep', { ms: 20_000 }, { timeoutMs: 25_000 });
  await probe.call('Probe/Echo');
  daemon.signal('SIGQUIT');
  assert.equal((await daemon.until(short.outcome, 'the end of the short call')).code, 'OK');
  assert.equal((await daemon.until(long.outcome, 'the end of the long call')).code, 'UNAVAILABLE');
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
  assert.equal(daemon.log.all('call.cut', { method: '/probe.v1.Probe/Sleep' }).length, 1);
  assert.equal(daemon.log.all('daemon.stopped')[0]?.cut, 1);
});

test('streams that never end are cut at streamGracefulTimeout, unary calls at gracefulTimeout', async () => {
  const servicers = [servicer('probe.js'), servicer('endless-stream.js')];
  await using daemon = await startDaemon({ config: { servicers, gracefulTimeout: '2s', streamGracefulTimeout: '300ms' } });
  await using probe = new GrpcJsProbe(daemon.address);
  const endless = probe.open('Misbehaviour/Stream');
  await endless.first;
  const sleeping = probe.open('Probe/Sleep', { ms: 20_000 }, { timeoutMs: 25_000 });
  await probe.call('Probe/Echo');

  daemon.signal('SIGTERM');
  const first = await daemon.until(Promise.race([endless.outcome.then(() => 'stream'), sleeping.outcome.then(() => 'unary')]), 'the first cut');
  assert.equal(first, 'stream');
  const outcomes = await daemon.until(Promise.all([endless.outcome, sleeping.outcome]), 'the end of both');
  assert.deepEqual(outcomes.map(({ code }) => code), ['UNAVAILABLE', 'UNAVAILABLE']);
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
  assert.equal(daemon.log.all('call.cut').length, 2);
});

test('a servicer that ignores the drain cannot hold the daemon back', async () => {
  await using daemon = await startDaemon({ config: { servicers: [servicer('ignores-drain.js')], gracefulTimeout: '500ms', streamGracefulTimeout: '500ms' } });
  daemon.signal('SIGTERM');
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
});

test('HUP ends nothing', async () => {
  await using daemon = await startDaemon();
  await using probe = new GrpcJsProbe(daemon.address);
  daemon.signalGroup('SIGHUP');
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  assert.equal((await daemon.status()).health, 'healthy');
});

test('the stop command answers when the daemon has gone', async () => {
  await using daemon = await startDaemon();
  const { code, stderr } = await daemon.until(daemon.command('stop'), 'an answer of stop');
  assert.equal(code, 0, stderr);
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), DONE);
  assert.equal((await daemon.command('status')).code, 3);
  assert.equal((await daemon.command('stop')).code, 0);
});

test('a SIGHUP that comes as soon as the pid can be known is a reload, and no death', async () => {
  using dir = new TempDir();
  // Opening it to write waits for a reader, and so does the daemon, in the middle of its start.
  const pidfile = dir.join('pid');
  execFileSync('mkfifo', [pidfile]);
  await using daemon = new Daemon({ config: { pidfile } });
  await daemon.deadline.poll(() => Promise.resolve(daemon.dir.files('run').length > 0 ? true : undefined), 'its runtime folder', () => daemon.log.text);
  daemon.signal('SIGHUP');
  const { stdout: pid } = await promisify(execFile)('cat', [pidfile], { timeout: 20_000 });
  assert.equal(pid, `${daemon.pid}\n`);
  rmSync(pidfile);
  dir.write('pid', pid);
  await daemon.waitFor('reload.ended', { cause: 'SIGHUP', verdict: 'done' });
});
