// balance: rpc on the real daemon: one connection keeps every worker busy, and what happens to workers and routers is
// no business of the client's, but for a crash of what its calls were on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { failDaemon, startDaemon, type Daemon } from '../support/daemon.js';
import { DelayProxy } from '../support/delay-proxy.js';
import { MixedLoad } from '../support/mixed-load.js';
import { PEERS } from '../support/peers.js';
import { GrpcJsProbe, Probe } from '../support/probe.js';

const PROVE = process.env.PROVE !== undefined;
const RPC: UserConfig = { transport: 'lean', balance: 'rpc', maxWorkers: 2 };

/** What routers have done since the start, once their heartbeats tell of `calls` and nothing is going on. */
async function settled(daemon: Daemon, isSettled: (routers: Awaited<ReturnType<Daemon['status']>>['routers']) => boolean) {
  return daemon.deadline.poll(async () => {
    const { routers, workers } = await daemon.status();
    return isSettled(routers) ? { routers, workers } : undefined;
  }, 'routers that say so', () => daemon.log.text);
}

for (const kind of PEERS) {
  test(`one connection of a ${kind.name} client keeps all workers busy`, { skip: kind.skip }, async () => {
    await using daemon = await startDaemon({ config: { ...RPC, maxWorkers: 3 } });
    await using probe = new Probe(kind.connect(daemon.address));
    const answers = await Promise.all(Array.from({ length: 30 }, () => probe.call('Probe/Sleep', { ms: 100 })));
    assert(answers.every(({ code }) => code === 'OK'));
    const counts = async (): Promise<number[] | undefined> => {
      const calls = (await daemon.status()).workers.map((worker) => worker.calls);
      return calls.reduce((sum, count) => sum + count, 0) === 30 ? calls : undefined;
    };
    const calls = (await daemon.deadline.poll(counts, 'the heartbeats of all workers')).sort((one, other) => one - other);
    // The first may all go to the home worker before the others have a link.
    assert((calls[0] ?? 0) >= 6, `calls of the workers: ${calls.join(', ')}`);
  });
}

/** Milliseconds each way. */
for (const delay of [0, 25]) {
  const rounds = PROVE ? 200 : 10;
  test(`${rounds} reloads at a round trip of ${delay * 2} ms fail no call and cost no connection`, async (context) => {
    await using daemon = await startDaemon({ config: RPC, deadline: rounds * 20_000 });
    await using proxy = await DelayProxy.start(daemon.port, delay);
    await using load = new MixedLoad(proxy.address);
    await daemon.until(load.loading(), 'the first answers');
    const before = proxy.accepted;
    for (let round = 1; round <= rounds; round += 1) {
      daemon.signal('SIGHUP');
      await daemon.waitFor('reload.ended', { verdict: 'done' }, round);
    }
    assert.equal(proxy.accepted, before, 'clients came again');
    const { calls, failed } = await daemon.until(load.stop(), 'the end of the load');
    assert.deepEqual(failed, [], daemon.log.text);
    assert.deepEqual(daemon.log.all('call.cut'), []);
    const { routers } = await settled(daemon, ([router]) => router?.inFlight === 0);
    assert.deepEqual(routers.map(({ lost, restarts }) => [lost, restarts]), [[0, 0]]);
    const shares = await sharesOf(daemon, load);
    context.diagnostic(`${calls} calls, ${rounds} reloads; shares of the workers after that: ${shares.join(' + ')}`);
    assert(Math.max(...shares) <= 1.1 * mean(shares), shares.join(' + '));
  });
}

/** How calls of the clients that came through all that are shared out: by workers that have had none before. */
async function sharesOf(daemon: Daemon, { probes }: MixedLoad): Promise<number[]> {
  await daemon.reload();
  const each = 32;
  await daemon.until(Promise.all(probes.flatMap((probe) => Array.from({ length: each }, () => probe.call('Probe/Sleep', { ms: 50 })))), 'more answers');
  const shares = async (): Promise<number[] | undefined> => {
    const calls = (await daemon.status()).workers.map((worker) => worker.calls);
    return calls.reduce((sum, count) => sum + count, 0) === each * probes.length ? calls : undefined;
  };
  return daemon.deadline.poll(shares, 'the heartbeats of all workers');
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test('a worker that is killed costs the calls that were on it, and nothing else', async () => {
  await using daemon = await startDaemon({ config: RPC });
  await using probe = new GrpcJsProbe(daemon.address);
  const held = Array.from({ length: 20 }, (_, index) => probe.open('Probe/Hold', { key: `call ${index}` }));
  await daemon.until(Promise.all(held.map(({ first }) => first)), 'all calls');
  const counts = async (): Promise<number[] | undefined> => {
    const calls = (await daemon.status()).workers.map(({ inFlight }) => inFlight);
    return calls.reduce((sum, count) => sum + count, 0) === 20 ? calls : undefined;
  };
  const [doomed = 0] = await daemon.deadline.poll(counts, 'the heartbeats of both workers');
  assert(doomed > 0 && doomed < 20, `${doomed} of 20 on slot 0`);
  process.kill(daemon.workerPid(0), 'SIGKILL');
  const { routers } = await settled(daemon, ([router]) => router?.lost === doomed && router.inFlight === 20 - doomed);
  // The same connection, at once.
  assert.equal((await daemon.until(probe.call('Probe/Echo'), 'an answer')).code, 'OK');
  await daemon.waitFor('worker.ready', { slot: 0 }, 2);
  for (const call of held) call.cancel();
  const outcomes = await daemon.until(Promise.all(held.map(({ outcome }) => outcome)), 'the end of all calls');
  const lost = outcomes.filter(({ code }) => code === 'UNAVAILABLE');
  assert.equal(lost.length, doomed);
  for (const { details } of lost) assert.match(details, /worker/i);
  assert.equal(outcomes.filter(({ code }) => code === 'CANCELLED').length, 20 - doomed);
  assert.equal(routers[0]?.connections, 1);
});

test('a router that is killed costs its connections; the port stays open, and the workers are the same', async () => {
  await using daemon = await startDaemon({ config: RPC });
  await using probe = new GrpcJsProbe(daemon.address);
  const held = probe.open('Probe/Hold', { key: 'one' });
  await held.first;
  const before = await daemon.status();
  process.kill(before.routers[0]?.pid ?? assert.fail('no router'), 'SIGKILL');
  assert.equal((await daemon.until(held.outcome, 'the end of the call')).code, 'UNAVAILABLE');
  await daemon.waitFor('router.ready', { index: 0 }, 2);
  assert.equal((await daemon.until(probe.call('Probe/Echo'), 'an answer')).code, 'OK');
  const after = await daemon.status();
  assert.deepEqual(after.workers.map(({ pid, restarts }) => [pid, restarts]), before.workers.map(({ pid }) => [pid, 0]));
  assert.deepEqual(after.routers.map(({ restarts }) => restarts), [1]);
});

test('the cap on calls is exact for the whole server, with two routers and three workers', async () => {
  await using daemon = await startDaemon({ config: { ...RPC, maxWorkers: 3, routers: 2, maximumConcurrentRpcs: 4 } });
  await daemon.waitFor('router.ready', {}, 2);
  await using one = new GrpcJsProbe(daemon.address);
  await using two = new GrpcJsProbe(daemon.address);
  const held = [one, two, one, two].map((probe, index) => probe.open('Probe/Hold', { key: `call ${index}` }));
  await daemon.until(Promise.all(held.map(({ first }) => first)), 'four calls');
  for (const probe of [one, two]) {
    const { code, details } = await daemon.until(probe.call('Probe/Echo'), 'a refusal');
    assert.deepEqual([code, details], ['RESOURCE_EXHAUSTED', 'Concurrent RPC limit exceeded!']);
  }
  const [first] = held;
  assert(first);
  first.cancel();
  await daemon.until(first.outcome, 'its end');
  const served = async (): Promise<true | undefined> => ((await two.call('Probe/Echo')).code === 'OK' ? true : undefined);
  await daemon.deadline.poll(served, 'the unit of the one that ended');
  for (const call of held) call.cancel();
});

test('handlers see the client, over TLS with a certificate, as if no router were there', async () => {
  using certificates = await TestCertificates.make();
  await using daemon = await startDaemon({ config: { ...RPC, ...certificates.mutualTls('require') } });
  await using probe = new GrpcJsProbe(daemon.address, certificates.clientTls(certificates.client));
  const { code, messages } = await daemon.until(probe.call('Probe/Identify'), 'an answer');
  assert.equal(code, 'OK');
  assert.match(String(messages[0]?.peer), /^127\.0\.0\.1:\d+$/);
  assert.equal(messages[0]?.security, 'ssl');
  assert.notEqual(messages[0].cn, '');
});

test('a reload changes who may connect: those who are there finish and come again under the new rule', async () => {
  using certificates = await TestCertificates.make();
  await using daemon = await startDaemon({ config: RPC, deadline: 60_000 });
  const ask = async (tls?: Parameters<TestCertificates['clientTls']>[0] | 'plain'): Promise<string> => {
    await using probe = new GrpcJsProbe(daemon.address, tls === 'plain' ? undefined : certificates.clientTls(tls));
    return (await probe.call('Probe/Echo', {}, { timeoutMs: 3000 })).code;
  };
  await using early = new GrpcJsProbe(daemon.address);
  const long = early.call('Probe/Sleep', { ms: 4000 });
  await settled(daemon, ([router]) => router?.inFlight === 1);

  daemon.configure(certificates.mutualTls('require'));
  assert.equal((await daemon.reload()).report.verdict, 'done');
  assert.deepEqual((await daemon.status()).restartRequired, []);
  assert.equal(await ask(certificates.client), 'OK');
  assert.equal(await ask(), 'UNAVAILABLE', 'a client without a certificate');
  assert.equal(await ask('plain'), 'UNAVAILABLE');
  assert.equal((await daemon.until(long, 'its end')).code, 'OK', 'what was there finishes');
  assert.equal((await early.call('Probe/Echo', {}, { timeoutMs: 3000 })).code, 'UNAVAILABLE', 'and finds no plain text any more');

  daemon.configure({ authentication: null, clientAuthentication: 'none' });
  assert.equal((await daemon.reload()).report.verdict, 'done');
  assert.equal(await ask('plain'), 'OK');
});

test('a stop lets the calls of all clients finish, and new ones that were on their way', async () => {
  await using daemon = await startDaemon({ config: RPC });
  await using probe = new GrpcJsProbe(daemon.address);
  const calls = Array.from({ length: 10 }, () => probe.call('Probe/Sleep', { ms: 4000 }));
  await settled(daemon, ([router]) => router?.inFlight === 10);
  await daemon.stop();
  assert.deepEqual((await Promise.all(calls)).map(({ code }) => code), Array.from({ length: 10 }, () => 'OK'));
  assert.deepEqual(daemon.log.all('call.cut'), []);
});

test('a quick stop cuts what is left after two seconds', async () => {
  await using daemon = await startDaemon({ config: RPC });
  await using probe = new GrpcJsProbe(daemon.address);
  const long = probe.call('Probe/Sleep', { ms: 60_000 }, { timeoutMs: 30_000 });
  await settled(daemon, ([router]) => router?.inFlight === 1);
  daemon.signal('SIGQUIT');
  assert.equal((await daemon.until(long, 'its end')).code, 'UNAVAILABLE');
  await daemon.waitFor('daemon.stopped');
});

test('workers that come and go are nothing to a connection: scale, recycle, crash', async () => {
  await using daemon = await startDaemon({ config: RPC });
  await using proxy = await DelayProxy.start(daemon.port, 0);
  await using probe = new GrpcJsProbe(proxy.address);
  const load = probe.load('Probe/Sleep', { ms: 10 }, 8);
  await daemon.until(load.loading, 'the first answer');
  for (const workers of ['4', '1', '3', 'config']) assert.equal((await daemon.command('scale', workers)).code, 0);
  await daemon.waitFor('fleet.scaled', { before: 3, after: 2 });
  const { calls, codes } = await daemon.until(load.stop(), 'the end of the load');
  assert.deepEqual(codes, { OK: calls });
  assert.equal(proxy.accepted, 1);
});

test('a reload gives running routers their settings', async () => {
  await using daemon = await startDaemon({ config: { ...RPC, maximumConcurrentRpcs: 1 } });
  await using probe = new GrpcJsProbe(daemon.address);
  const pids = async (): Promise<number[]> => (await daemon.status()).routers.map(({ pid }) => pid);
  const before = await pids();
  daemon.configure({ ...RPC, maximumConcurrentRpcs: 2 });
  assert.equal((await daemon.reload()).code, 0);
  const held = ['one', 'two'].map((key) => probe.open('Probe/Hold', { key }));
  await daemon.until(Promise.all(held.map(({ first }) => first)), 'two calls');
  assert.equal((await probe.call('Probe/Echo')).code, 'RESOURCE_EXHAUSTED');
  for (const call of held) call.cancel();
  assert.deepEqual(await pids(), before);
});

test('balance rpc without the lean transport is refused', async () => {
  const { code, log } = await failDaemon({ config: { balance: 'rpc', transport: 'http2' } });
  assert.equal(code, 78);
  assert.match(log.text, /balance "rpc" needs transport "lean", and it is "http2"/);
});
