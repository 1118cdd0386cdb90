// Handlers that do wrong: the client still gets a status, nobody reads the inner text, and the process lives on.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

const servicers = [servicer('probe.js'), servicer('misbehaves.js')];

/** What the client gets from a unary handler that `how` names: the status, and its details where they are known. */
const ANSWERS: Record<string, readonly [code: string, details?: string]> = {
  'throws': ['INTERNAL'],
  'throws-a-string': ['INTERNAL'],
  'throws-a-status': ['NOT_FOUND', 'no such thing'],
  'throws-after-answering': ['OK'],
  'rejects': ['INTERNAL'],
  'rejects-with-a-status': ['NOT_FOUND', 'no such thing'],
  'rejects-with-undefined': ['INTERNAL'],
  'calls-back-twice': ['OK'],
  'calls-back-twice-later': ['OK'],
  'calls-back-with-ok-then-error': ['OK'],
  'calls-back-with-nothing': ['INTERNAL'],
  'calls-back-with-an-unserializable': ['INTERNAL'],
  'calls-back-with-a-plain-error': ['INTERNAL'],
  'calls-back-with-code-0': ['INTERNAL'],
  'calls-back-with-code-99': ['INTERNAL'],
  'calls-back-with-a-code-of-text': ['INTERNAL'],
  'calls-back-with-half-a-letter': ['NOT_FOUND', 'broken \ufffd text'],
  'calls-back-with-bad-trailers': ['OK'],
  'calls-back-with-an-error-and-bad-metadata': ['NOT_FOUND', 'no such thing'],
  'returns-a-value': ['INTERNAL'],
};

const STREAMS: Record<string, readonly [code: string, details?: string]> = {
  'throws': ['INTERNAL'],
  'rejects': ['INTERNAL'],
  'destroys-itself': ['INTERNAL'],
  'destroys-itself-with-an-error': ['INTERNAL'],
  'emits-a-plain-error': ['INTERNAL'],
  'emits-an-error-twice': ['NOT_FOUND', 'no such thing'],
  'emits-half-a-letter': ['NOT_FOUND', 'broken \ufffd text'],
  // What it wrote before and its end count when they have gone by then, as over the lean transport; else they are lost.
  'writes-after-its-end': process.env.TEST_MODE === 'http2' ? ['INTERNAL'] : ['OK'],
  'writes-nothing': ['INTERNAL'],
  'writes-an-unserializable': ['INTERNAL'],
  'ends-twice': ['OK'],
  'ends-with-bad-trailers': ['OK'],
  'ends-then-throws': ['OK'],
};

/** Faults that no handler's promise or try can hold: the call is found by its context. */
const UNCAUGHT = [
  ['Answer', 'throws-in-a-timer'],
  ['Answer', 'leaves-a-rejection'],
  ['Answer', 'throws-in-the-next-tick'],
  ['Stream', 'throws-in-a-timer'],
] as const;

describe('a faulty handler', () => {
  let daemon: Daemon;
  let probe: GrpcJsProbe;
  before(async () => {
    daemon = await startDaemon({ config: { servicers }, deadline: 60_000 });
    probe = new GrpcJsProbe(daemon.address);
  });
  after(async () => {
    await probe[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });

  for (const [method, table] of [['Misbehaviour/Answer', ANSWERS], ['Misbehaviour/Stream', STREAMS]] as const) {
    for (const [how, [code, details]] of Object.entries(table)) {
      test(`${method} that ${how.replaceAll('-', ' ')} ends with ${code}`, async () => {
        const outcome = await probe.call(method, { how }, { timeoutMs: 3000 });
        assert.equal(outcome.code, code, outcome.details);
        if (details !== undefined) assert.equal(outcome.details, details);
        assert.doesNotMatch(outcome.details, /secret/, 'the inner text goes to the log only');
        const { messages } = await probe.call('Probe/Identify');
        assert.equal(messages[0]?.pid, daemon.workerPid(), 'the same process answers on');
      });
    }
  }

  test('long details are cut to what every client can take', async () => {
    const { code, details } = await probe.call('Misbehaviour/Answer', { how: 'calls-back-with-long-details' }, { timeoutMs: 3000 });
    assert.equal(code, 'NOT_FOUND');
    assert(details.length > 1000 && Buffer.byteLength(details) <= 2048, `${details.length} characters`);
  });

  test('what went wrong is in the log, with its method, its client and its stack', async () => {
    await probe.call('Misbehaviour/Answer', { how: 'rejects' });
    const fault = await daemon.waitFor('call.fault', ({ error }) => String(error).includes('misbehaves.js'));
    assert.equal(fault.method, '/probe.v1.Misbehaviour/Answer');
    assert.match(String(fault.peer), /^127\.0\.0\.1:\d+$/);
    assert.match(String(fault.error), /secret inner text/);
    assert.equal(fault.code, 'INTERNAL');
  });
});

for (const [method, how] of UNCAUGHT) {
  test(`${method} that ${how.replaceAll('-', ' ')} ends with INTERNAL, its neighbours go on, and the worker is replaced`, async () => {
    await using daemon = await startDaemon({ config: { servicers } });
    await using probe = new GrpcJsProbe(daemon.address);
    const neighbour = probe.open('Probe/Hold', { key: 'neighbour' });
    await neighbour.first;

    const { code, details } = await probe.call(`Misbehaviour/${method}`, { how }, { timeoutMs: 5000 });
    assert.equal(code, 'INTERNAL', details);
    assert.doesNotMatch(details, /secret/);

    const fault = await daemon.waitFor('worker.fault');
    assert.equal(fault.method, `/probe.v1.Misbehaviour/${method}`);
    // Its stream ends when the worker drains, and as its servicer chose: not by the fault.
    assert.equal((await daemon.until(neighbour.outcome, 'the end of the neighbour')).code, 'OK');
    const gone = await daemon.waitFor('worker.gone', { slot: 0 });
    assert.deepEqual([gone.exitCode, gone.signal], [0, null]);
    assert.equal(daemon.log.all('worker.ready', { slot: 0 }).length, 2, 'the new worker was ready before the old one left');
  });
}

test('a rejection that no call is to blame for ends no call', async () => {
  await using daemon = await startDaemon({ config: { servicers: [servicer('probe.js'), servicer('rejects-later.js')] } });
  await using probe = new GrpcJsProbe(daemon.address);
  const neighbour = probe.open('Probe/Sleep', { ms: 500 });
  assert.equal((await probe.call('Misbehaviour/Answer')).code, 'OK');
  const fault = await daemon.waitFor('worker.fault');
  assert.match(String(fault.error), /the mail could not be sent/);
  assert.equal((await neighbour.outcome).code, 'OK');
});

test('an exception outside of any call replaces the worker gracefully', async () => {
  await using daemon = await startDaemon({ config: { servicers: [servicer('throws-in-timer.js')] } });
  const fault = await daemon.waitFor('worker.fault', { slot: 0 });
  assert.deepEqual([fault.method, fault.kind], [null, 'uncaughtException']);
  await daemon.waitFor('worker.ready', { slot: 0 }, 2);
  assert.equal((await daemon.waitFor('worker.gone', { slot: 0 })).exitCode, 0);
});

test('a client that provokes faults all the time does not flood the log, and none of them goes uncounted', async () => {
  await using daemon = await startDaemon({ config: { servicers: [servicer('misbehaves.js')] } });
  await using probe = new GrpcJsProbe(daemon.address);
  const calls = Array.from({ length: 300 }, () => probe.call('Misbehaviour/Answer', { how: 'rejects' }));
  for (const { code } of await daemon.until(Promise.all(calls), 'the answers')) assert.equal(code, 'INTERNAL');
  await daemon.waitFor('call.faults-omitted', { method: '/probe.v1.Misbehaviour/Answer' });
  const counted = (): number => daemon.log.all('call.faults-omitted').reduce((sum, { count }) => sum + Number(count), daemon.log.all('call.fault').length);
  await daemon.deadline.poll(() => Promise.resolve(counted() === 300 ? true : undefined), 'the last of the counts', () => daemon.log.text);
});
