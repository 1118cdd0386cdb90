// A worker that dies takes its own calls with it, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { PEERS } from '../support/peers.js';
import { GrpcJsProbe, Probe } from '../support/probe.js';

const IN_FLIGHT = 4;

async function slotOf(daemon: Daemon, probe: Probe): Promise<number> {
  const { messages } = await daemon.until(probe.call('Probe/Identify'), 'an answer to a new client');
  return messages[0]?.slot ?? assert.fail('no answer');
}

for (const kind of PEERS) {
  test(`a worker killed under load fails only its own calls of a ${kind.name} client, with UNAVAILABLE, and is replaced`, { skip: kind.skip }, async () => {
    await using daemon = await startDaemon({ config: { balance: 'connection', maxWorkers: 2 } });
    await using victim = new Probe(kind.connect(daemon.address));
    await using bystander = new GrpcJsProbe(daemon.address);
    const slot = await slotOf(daemon, victim);
    assert.notEqual(await slotOf(daemon, bystander), slot, 'the worker with fewer connections takes the next one');
    const loads = [victim, bystander].map((probe) => probe.load('Probe/Sleep', { ms: 50 }, IN_FLIGHT));
    await daemon.until(Promise.all(loads.map(({ loading }) => loading)), 'the load');

    // Calls on one connection arrive in order: when the second is answered, the first is in the worker.
    const doomed = victim.call('Probe/Sleep', { ms: 60_000 });
    await daemon.until(victim.call('Probe/Echo'), 'an answer beside the load');
    const killed = daemon.workerPid(slot);
    process.kill(killed, 'SIGKILL');
    const gone = await daemon.waitFor('worker.gone', { worker: killed });
    assert.deepEqual([gone.signal, gone.cause, gone.level], ['SIGKILL', 'crash', 'warn']);
    assert.equal((await daemon.until(doomed, 'the end of the call')).code, 'UNAVAILABLE');
    await daemon.waitFor('worker.ready', { slot }, 2);
    assert.equal((await victim.call('Probe/Echo')).code, 'OK');

    const [lost, kept] = await daemon.until(Promise.all(loads.map((load) => load.stop())), 'the end of the load');
    assert(lost && kept);
    assert.deepEqual(kept.codes, { OK: kept.calls });
    const { OK = 0, UNAVAILABLE = 0 } = lost.codes;
    assert.equal(OK + UNAVAILABLE, lost.calls, JSON.stringify(lost.details));
    assert(UNAVAILABLE <= IN_FLIGHT, `${UNAVAILABLE} calls failed`);

    const { workers, health } = await daemon.status();
    assert.equal(health, 'healthy');
    assert.deepEqual(workers.map(({ state, restarts }) => [state, restarts]), [0, 1].map((each) => ['ready', each === slot ? 1 : 0]));
  });
}

const crashing: UserConfig = { servicers: [servicer('probe.js'), servicer('crashes-on-call.js')] };

for (const [how, exitCode, signal] of [['exits', 3, null], ['aborts', null, 'SIGABRT'], ['is-killed', null, 'SIGKILL']] as const) {
  test(`a servicer that ${how.replaceAll('-', ' ')} in a call costs that call and the worker, not the daemon`, async () => {
    await using daemon = await startDaemon({ config: crashing });
    await using probe = new GrpcJsProbe(daemon.address);
    assert.equal((await probe.call('Misbehaviour/Answer', { how })).code, 'UNAVAILABLE');
    const gone = await daemon.waitFor('worker.gone', { slot: 0 });
    assert.deepEqual([gone.exitCode, gone.signal], [exitCode, signal]);
    await daemon.waitFor('worker.ready', { slot: 0 }, 2);
    assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  });
}

test('connections that come while no worker is ready wait for the next one', async () => {
  await using daemon = await startDaemon();
  process.kill(daemon.workerPid(), 'SIGKILL');
  await daemon.waitFor('worker.gone', { slot: 0 });
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await daemon.until(probe.call('Probe/Echo'), 'an answer')).code, 'OK');
});

test('a worker that hangs gets no new clients, and is killed at hangTimeout', async () => {
  await using daemon = await startDaemon({ config: { ...crashing, maxWorkers: 2, hangTimeout: '4s' }, deadline: 60_000 });
  await using victim = new GrpcJsProbe(daemon.address);
  const slot = (await victim.call('Probe/Identify')).messages[0]?.slot;
  const hanging = victim.call('Misbehaviour/Answer', { how: 'hangs' }, { timeoutMs: 30_000 });
  await daemon.waitFor('worker.silent', { slot });

  for (let client = 0; client < 4; client += 1) {
    await using probe = new GrpcJsProbe(daemon.address);
    const { messages } = await daemon.until(probe.call('Probe/Identify'), 'an answer of the other worker');
    assert.notEqual(messages[0]?.slot, slot);
  }
  assert.equal((await daemon.waitFor('worker.gone', { slot })).signal, 'SIGKILL');
  assert.equal((await hanging).code, 'UNAVAILABLE');
  await daemon.waitFor('worker.ready', { slot }, 2);
});

test('a primary killed without warning leaves no process, and calls in flight finish first', async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 2 } });
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 1500 });
  const held = probe.open('Probe/Hold', { key: 'k' });
  await held.first;

  daemon.signal('SIGKILL');
  assert.deepEqual(await daemon.until(daemon.exit, 'the exit of the primary'), { code: null, signal: 'SIGKILL' });
  const outcomes = await daemon.until(Promise.all([sleeping.outcome, held.outcome]), 'the end of the calls');
  assert.deepEqual(outcomes.map(({ code }) => code), ['OK', 'OK']);
  await daemon.deadline.poll(() => (daemon.processes().length === 0 ? true : undefined), 'the end of the workers', () => daemon.log.text);
  assert.equal(daemon.log.all('worker.orphaned').length, 2);
});

test('a daemon starts where one of the same name was killed', async () => {
  await using first = await startDaemon();
  first.signal('SIGKILL');
  await first.until(first.exit, 'the exit of the primary');
  await using second = await startDaemon({ env: { XDG_RUNTIME_DIR: first.dir.join('run') } });
  assert.equal((await second.status()).primary.pid, second.pid);
});
