// maximumConcurrentRpcs: calls in progress, and what the excess call gets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT } from '#src/shared/exit-codes.js';
import { failDaemon, startDaemon } from '../support/daemon.js';
import { GrpcJsPeer } from '../support/grpc-js-peer.js';
import { GrpcJsProbe } from '../support/probe.js';

const REFUSAL = { code: 'RESOURCE_EXHAUSTED', details: 'Concurrent RPC limit exceeded!' };

test('calls over the limit are refused, streaming ones too, until one in progress has ended', async () => {
  await using daemon = await startDaemon({ config: { maximumConcurrentRpcs: 2 } });
  await using probe = new GrpcJsProbe(daemon.address);
  const held = ['a', 'b'].map((key) => probe.open('Probe/Hold', { key }));
  for (const call of held) await call.first;

  for (const method of ['Probe/Echo', 'Probe/Repeat', 'Probe/Collect', 'Probe/Converse'] as const) {
    const { code, details } = await probe.call(method, {}, { timeoutMs: 3000 });
    assert.deepEqual({ code, details }, REFUSAL, method);
  }
  held[0]?.cancel();
  await held[0]?.outcome;
  // A cancelled call is over for its client a moment before it is over here.
  await daemon.deadline.poll(async () => ((await probe.call('Probe/Echo')).code === 'OK' ? true : undefined), 'a call that is let in');
});

test('calls that ended in any way no longer count', async () => {
  await using daemon = await startDaemon({ config: { maximumConcurrentRpcs: 1 } });
  await using probe = new GrpcJsProbe(daemon.address);
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await probe.call('Probe/Echo')).code, 'OK');
    assert.equal((await probe.call('Probe/Fail', { code: 5 })).code, 'NOT_FOUND');
    assert.equal((await probe.call('Probe/Converse', [{}, {}])).code, 'OK');
    assert.equal((await probe.call('Probe/Sleep', { ms: 60 }, { timeoutMs: 30 })).code, 'DEADLINE_EXCEEDED');
    await daemon.deadline.poll(async () => ((await probe.call('Probe/Echo')).code === 'OK' ? true : undefined), 'the end of a timed out call');
  }
});

test('the health service is neither counted nor refused', async () => {
  await using daemon = await startDaemon({ config: { maximumConcurrentRpcs: 1 } });
  await using probe = new GrpcJsProbe(daemon.address);
  await using health = new GrpcJsPeer(daemon.address);
  const watch = health.open({ method: '/grpc.health.v1.Health/Watch', kind: 'server_stream', send: [Buffer.alloc(0)] });
  await watch.first;
  const held = probe.open('Probe/Hold', { key: 'k' });
  assert(await held.first, 'the watch takes no place');
  const { code } = await health.call({ method: '/grpc.health.v1.Health/Check', kind: 'unary', send: [Buffer.alloc(0)] });
  assert.equal(code, 'OK');
  watch.cancel();
  held.cancel();
});

test('without routers the workers share the limit out, the remainder to the lowest slots, and the sum holds', async () => {
  await using daemon = await startDaemon({ config: { balance: 'connection', maximumConcurrentRpcs: 3, maxWorkers: 2 } });
  const places = { 0: 0, 1: 0 };
  const probes: GrpcJsProbe[] = [];
  // Six clients, three for each worker; each holds as many calls as it may.
  for (let client = 0; client < 6; client += 1) {
    const probe = new GrpcJsProbe(daemon.address);
    probes.push(probe);
    const call = probe.open('Probe/Hold', { key: `${client}` });
    if ((await daemon.until(call.first, 'an answer')) === undefined) assert.equal((await call.outcome).code, REFUSAL.code);
  }
  const { workers } = await daemon.deadline.poll(async () => {
    const status = await daemon.status();
    return status.workers.reduce((sum, { inFlight }) => sum + inFlight, 0) === 3 ? status : undefined;
  }, 'three calls in progress');
  for (const { slot, inFlight } of workers) places[slot as 0 | 1] = inFlight;
  assert.deepEqual(places, { 0: 2, 1: 1 });
  for (const probe of probes) await probe[Symbol.asyncDispose]();
});

test('without routers a limit that gives some worker no call at all is refused', async () => {
  const { code, log } = await failDaemon({ config: { balance: 'connection', maximumConcurrentRpcs: 1, maxWorkers: 2 } });
  assert.equal(code, EXIT.config, log.text);
  assert.match(log.text, /maximumConcurrentRpcs/);
  assert.match(log.text, /maxWorkers/);
});
