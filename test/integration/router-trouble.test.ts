// balance: rpc when something dies or stands still: what it costs, and whom.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { DelayProxy } from '../support/delay-proxy.js';
import { PEERS } from '../support/peers.js';
import { GrpcJsProbe, Probe } from '../support/probe.js';

const RPC: UserConfig = { transport: 'lean', balance: 'rpc', maxWorkers: 2 };
const IN_FLIGHT = 8;
const skip = process.platform !== 'linux' && 'needs SIGSTOP as on Linux';

async function routers(daemon: Daemon, isSo: (routers: Awaited<ReturnType<Daemon['status']>>['routers']) => boolean, what: string) {
  return daemon.deadline.poll(async () => {
    const status = await daemon.status();
    return isSo(status.routers) ? status.routers : undefined;
  }, what, () => daemon.log.text);
}

for (const kind of PEERS) {
  test(`a worker killed under load costs a ${kind.name} client the calls that were on it, and not its connection`, { skip: kind.skip }, async () => {
    await using daemon = await startDaemon({ config: RPC });
    await using proxy = await DelayProxy.start(daemon.port, 0);
    await using victim = new Probe(kind.connect(proxy.address));
    const load = victim.load('Probe/Sleep', { ms: 50 }, IN_FLIGHT);
    await daemon.until(load.loading, 'the load');
    // Some on each worker, and known to be there.
    const status = async (): Promise<true | undefined> => ((await daemon.status()).workers.every(({ calls }) => calls > 0) ? true : undefined);
    await daemon.deadline.poll(status, 'calls on both workers', () => daemon.log.text);
    process.kill(daemon.workerPid(0), 'SIGKILL');
    await daemon.waitFor('worker.gone', { slot: 0 });
    assert.equal((await daemon.until(victim.call('Probe/Echo'), 'the next call')).code, 'OK');
    await daemon.waitFor('worker.ready', { slot: 0 }, 2);
    const { calls, codes, details } = await daemon.until(load.stop(), 'the end of the load');
    const { OK = 0, UNAVAILABLE = 0 } = codes;
    assert.equal(OK + UNAVAILABLE, calls, JSON.stringify(details));
    assert(UNAVAILABLE <= IN_FLIGHT, `${UNAVAILABLE} calls failed`);
    for (const text of details.UNAVAILABLE ?? []) assert.match(text, /^The worker that had the call is gone \(slot 0: .+\)\.$/);
    assert.equal(proxy.accepted, 1);
    await routers(daemon, ([router]) => router?.lost === UNAVAILABLE && router.inFlight === 0, `a count of ${UNAVAILABLE} lost calls`);
  });
}

test('a router killed under load costs what was on it; the clients of the other one notice nothing, nor do the workers', async () => {
  await using daemon = await startDaemon({ config: { ...RPC, routers: 2 } });
  await daemon.waitFor('router.ready', {}, 2);
  await using proxy = await DelayProxy.start(daemon.port, 0);
  // Each goes to the router with fewer connections.
  await using doomed = new GrpcJsProbe(daemon.address);
  assert.equal((await doomed.call('Probe/Echo')).code, 'OK');
  await using bystander = new GrpcJsProbe(proxy.address);
  const kept = bystander.load('Probe/Sleep', { ms: 20 }, IN_FLIGHT);
  const lost = doomed.load('Probe/Sleep', { ms: 20 }, IN_FLIGHT);
  await daemon.until(Promise.all([kept.loading, lost.loading]), 'the load');
  const before = await routers(daemon, (all) => all.every(({ connections }) => connections === 1), 'a connection each');
  process.kill(before[0]?.pid ?? assert.fail('no router'), 'SIGKILL');
  await daemon.waitFor('router.ready', { index: 0 }, 2);
  assert.equal((await daemon.until(doomed.call('Probe/Echo'), 'the next call')).code, 'OK');
  const [doomedTally, keptTally] = await daemon.until(Promise.all([lost.stop(), kept.stop()]), 'the end of the load');
  assert.deepEqual(keptTally.codes, { OK: keptTally.calls });
  assert.equal(proxy.accepted, 1);
  const { OK = 0, UNAVAILABLE = 0 } = doomedTally.codes;
  assert.equal(OK + UNAVAILABLE, doomedTally.calls, JSON.stringify(doomedTally.details));
  const { workers, health } = await daemon.status();
  assert.deepEqual([health, workers.map(({ restarts }) => restarts)], ['healthy', [0, 0]]);
});

test('a worker that blocks its event loop keeps the calls that it has, which end when it is back; all others go elsewhere', async () => {
  await using daemon = await startDaemon({ config: RPC });
  await using probe = new GrpcJsProbe(daemon.address);
  await using bystander = new GrpcJsProbe(daemon.address);
  for (const one of [probe, bystander]) assert.equal((await one.call('Probe/Echo')).code, 'OK');
  let isBlocked = true;
  const blocking = probe.call('Probe/Block', { ms: 4000 }).finally(() => (isBlocked = false));
  const onTheOther: boolean[] = [];
  // What comes before it is known to be late may still go there, and waits.
  const early = Array.from({ length: 6 }, () => probe.call('Probe/Identify'));
  const passedBy = new Set<Probe>();
  const passBy = (): true | undefined => {
    for (const one of [probe, bystander]) void one.call('Probe/Echo').then(({ code }) => code === 'OK' && isBlocked && passedBy.add(one));
    return passedBy.size === 2 || undefined;
  };
  await daemon.deadline.poll(passBy, 'calls that pass by', () => daemon.log.text);
  for (let call = 0; call < 50; call += 1) {
    const { code } = await daemon.until([probe, bystander][call % 2]?.call('Probe/Identify') ?? assert.fail(), 'an answer');
    onTheOther.push(code === 'OK' && isBlocked);
  }
  assert(onTheOther.every(Boolean), 'none of them had to wait for the one that blocks');
  assert.deepEqual((await daemon.until(Promise.all([blocking, ...early]), 'the early ones')).map(({ code }) => code), Array.from({ length: 7 }, () => 'OK'));
  assert.deepEqual(daemon.log.all('worker.gone'), []);
});

test('a stopped worker gets no calls after a while; those that it has are cut with it, and the connection stays', { skip }, async () => {
  await using daemon = await startDaemon({ config: { ...RPC, hangTimeout: '4s' }, deadline: 60_000 });
  await using proxy = await DelayProxy.start(daemon.port, 0);
  await using probe = new GrpcJsProbe(proxy.address);
  const held = Array.from({ length: 10 }, (_, index) => probe.open('Probe/Hold', { key: `call ${index}` }));
  await daemon.until(Promise.all(held.map(({ first }) => first)), 'all calls');
  const counts = async (): Promise<number | undefined> => {
    const calls = (await daemon.status()).workers.map(({ inFlight }) => inFlight);
    return calls.reduce((sum, count) => sum + count, 0) === 10 ? calls[0] : undefined;
  };
  const doomed = await daemon.deadline.poll(counts, 'the heartbeats of both workers');
  const stopped = daemon.workerPid(0);
  process.kill(stopped, 'SIGSTOP');
  // More than there are calls on the other one, so that fewest calls alone would choose the one that stands still.
  const others = Array.from({ length: 10 }, () => probe.call('Probe/Echo'));
  await daemon.waitFor('worker.silent', { worker: stopped });
  const late = await daemon.until(Promise.all(Array.from({ length: 40 }, () => probe.call('Probe/Echo'))), 'calls that pass by');
  assert(late.every(({ code }) => code === 'OK'));
  assert.equal((await daemon.waitFor('worker.gone', { worker: stopped })).signal, 'SIGKILL');
  const early = await daemon.until(Promise.all(others), 'the end of the early calls');
  const cut = early.filter(({ code }) => code !== 'OK');
  for (const { code, details } of cut) assert.match(`${code} ${details}`, /^UNAVAILABLE The worker that had the call is gone/);
  await routers(daemon, ([router]) => router?.lost === doomed + cut.length, `a count of ${doomed + cut.length} lost calls`);
  for (const call of held) call.cancel();
  const outcomes = await Promise.all(held.map(({ outcome }) => outcome));
  assert.equal(outcomes.filter(({ code }) => code === 'UNAVAILABLE').length, doomed);
  assert.equal(proxy.accepted, 1);
  await daemon.waitFor('worker.ready', { slot: 0 }, 2);
});
