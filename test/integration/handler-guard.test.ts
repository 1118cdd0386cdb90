import assert from 'node:assert/strict';
import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import { describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { deferred } from '#src/shared/deferred.js';
import { invoke, startRig, type Kind, type LooseCall, type LooseHandler, type Outcome } from '../support/call-rig.js';

const { OK, INTERNAL, NOT_FOUND, PERMISSION_DENIED } = grpc.status;

interface Case {
  readonly what: string;
  readonly handler: LooseHandler;
  readonly code: grpc.status;
  readonly details?: string;
  readonly messages?: readonly unknown[];
  /** Part of the one report; null: nothing is to be reported. */
  readonly report?: RegExp | null;
}

const notFound = (): grpc.ServiceError =>
  Object.assign(new Error('5 NOT_FOUND: no such thing'), {
    code: NOT_FOUND, details: 'no such thing', metadata: new grpc.Metadata(),
  });
const NO_SUCH_THING = { code: NOT_FOUND, details: 'no such thing', report: null } as const;
const SECRET = { code: INTERNAL, details: 'Internal error', report: /^Error: secret/ } as const;

function throwAnything(what: unknown): never {
  throw what;
}

/** The same for both kinds that answer through a callback. */
const ANSWER_CASES: readonly Case[] = [
  { what: 'calls back', handler: (_, callback) => callback(null, 'yes'), code: OK, messages: ['yes'], report: null },
  { what: 'throws', handler: () => { throw new Error('secret'); }, ...SECRET },
  { what: 'throws a status', handler: () => { throw notFound(); }, ...NO_SUCH_THING },
  { what: 'throws text', handler: () => throwAnything('secret text'), code: INTERNAL, report: /^secret text$/ },
  { what: 'throws nothing', handler: () => throwAnything(undefined), code: INTERNAL, report: /with undefined\.$/ },
  { what: 'emits no error', handler: (call) => call.emit('error'), code: INTERNAL, report: /with undefined\.$/ },
  { what: 'emits text', handler: (call) => call.emit('error', 'secret text'), code: INTERNAL, report: /^secret text$/ },
  { what: 'destroys the call with text', handler: (call) => call.destroy('secret text'), code: INTERNAL, report: /^secret text$/ },
  { what: 'rejects', handler: async () => { await delay(1); throw new Error('secret'); }, ...SECRET },
  { what: 'rejects with a status', handler: async () => { await delay(1); throw notFound(); }, ...NO_SUCH_THING },
  { what: 'resolves with a value', handler: () => Promise.resolve('lost'), code: INTERNAL, report: /resolved with a value.*asyncHandlers/ },
  {
    what: 'resolves with nothing and calls back later', code: OK, messages: ['later'], report: null,
    handler: (_, callback) => { setTimeout(() => callback(null, 'later'), 20); return Promise.resolve(); },
  },
  { what: 'calls back with a plain error', handler: (_, callback) => callback(new Error('secret')), ...SECRET },
  { what: 'calls back with text for an error', handler: (_, callback) => callback('boo'), code: INTERNAL, report: /^boo$/ },
  { what: 'calls back with an error of code 0', handler: (_, callback) => callback({ code: 0 }), code: INTERNAL, report: /code: 0/ },
  { what: 'calls back with an error of code 99', handler: (_, callback) => callback({ code: 99, details: 'x' }), code: INTERNAL, report: /code: 99/ },
  { what: 'calls back with an error of code 1.5', handler: (_, callback) => callback({ code: 1.5 }), code: INTERNAL, report: /1\.5/ },
  { what: 'calls back with a system error', handler: (_, callback) => callback(Object.assign(new Error('secret'), { code: 'ENOENT' })), ...SECRET },
  { what: 'calls back with a status object', handler: (_, callback) => callback({ code: PERMISSION_DENIED, details: 'no' }), code: PERMISSION_DENIED, details: 'no', report: null },
  { what: 'calls back with a code and a message', handler: (_, callback) => callback({ code: NOT_FOUND, message: 'none' }), code: NOT_FOUND, details: 'none', report: null },
  { what: 'calls back with a message that cannot be serialized', handler: (_, callback) => callback(null, 1n), code: INTERNAL, details: 'Error serializing response', report: /could not be serialized: TypeError/ },
  { what: 'calls back with nothing at all', handler: (_, callback) => callback(), code: INTERNAL, report: /could not be serialized/ },
  {
    what: 'calls back twice', code: OK, messages: [1], report: /called again, with a message; the first/,
    handler: (_, callback) => { callback(null, 1); callback(null, 2); },
  },
  {
    what: 'calls back with a message, then with an error', code: OK, messages: [1], report: /called again, with Error: late/,
    handler: (_, callback) => { callback(null, 1); callback(new Error('late')); },
  },
  {
    what: 'calls back, then throws', code: OK, messages: [1], report: /^Error: late/,
    handler: (_, callback) => { callback(null, 1); throw new Error('late'); },
  },
  {
    what: 'calls back, then rejects', code: OK, messages: [1], report: /^Error: late/,
    handler: async (_, callback) => { callback(null, 1); await immediate(); throw new Error('late'); },
  },
  { what: 'ends the call as if it were a stream', handler: (call) => call.end(), code: INTERNAL, report: /without a message/ },
  { what: 'emits a plain error', handler: (call) => call.emit('error', new Error('secret')), ...SECRET },
  { what: 'emits a status', handler: (call) => call.emit('error', notFound()), ...NO_SUCH_THING },
  { what: 'destroys the call with an error', handler: (call) => call.destroy(new Error('secret')), ...SECRET },
  {
    what: 'destroys the call with an error and answers', code: NOT_FOUND, report: null,
    handler: (call, callback) => { call.destroy(new Error('secret')); callback(notFound()); },
  },
  {
    what: 'hears of the error that destroys the call and answers', code: NOT_FOUND, report: null,
    handler: (call, callback) => { call.on('error', () => callback(notFound())); call.destroy(new Error('secret')); },
  },
  { what: 'is aborted by something else than its client', handler: () => Promise.reject(new DOMException('secret', 'AbortError')), code: INTERNAL, report: /AbortError\]: secret/ },
  {
    what: 'destroys the call with an error and answers when it has cleaned up', code: NOT_FOUND, report: null,
    handler: async (call, callback) => { call.destroy(new Error('secret')); await delay(20); callback(notFound()); },
  },
];

const CLIENT_STREAM_CASES: readonly Case[] = [
  { what: 'destroys the call', handler: (call) => call.destroy(), code: INTERNAL, report: /destroyed before it was answered/ },
  {
    what: 'counts in a loop', code: OK, messages: [3], report: null,
    handler: async (call, callback) => { let n = 0; for await (const _ of call) n += 1; callback(null, n); },
  },
  {
    what: 'leaves the loop and answers later', code: OK, messages: ['enough'], report: null,
    handler: async (call, callback) => { for await (const _ of call) break; await delay(20); callback(null, 'enough'); },
  },
  {
    what: 'leaves the loop, resolves and calls back later', code: OK, messages: ['enough'], report: null,
    handler: async (call, callback) => { for await (const _ of call) break; setTimeout(() => callback(null, 'enough'), 20); },
  },
  { what: 'throws a status in the loop', handler: async (call) => { for await (const _ of call) throw notFound(); }, ...NO_SUCH_THING },
  { what: 'throws in the loop', handler: async (call) => { for await (const _ of call) throw new Error('secret'); }, ...SECRET },
  { what: 'throws in a listener of data', handler: (call) => call.on('data', () => { throw new Error('secret'); }), ...SECRET },
  { what: 'throws a status in a listener of data', handler: (call) => call.on('data', () => { throw notFound(); }), code: NOT_FOUND, details: 'no such thing' },
];

/** The same for both kinds that stream their answer. */
const STREAM_CASES: readonly Case[] = [
  { what: 'writes and ends', handler: (call) => { call.write(1); call.end(); }, code: OK, messages: [1], report: null },
  { what: 'throws after a message', handler: (call) => { call.write(1); throw new Error('secret'); }, messages: [1], ...SECRET },
  { what: 'throws a status after a message', handler: (call) => { call.write(1); throw notFound(); }, messages: [1], ...NO_SUCH_THING },
  { what: 'rejects after a message', handler: async (call) => { call.write(1); await delay(1); throw new Error('secret'); }, messages: [1], ...SECRET },
  { what: 'rejects with a status', handler: () => Promise.reject(notFound()), ...NO_SUCH_THING },
  { what: 'rejects with nothing', handler: async () => { await immediate(); throwAnything(undefined); }, code: INTERNAL, report: /with undefined\.$/ },
  { what: 'throws nothing', handler: () => throwAnything(undefined), code: INTERNAL, report: /with undefined\.$/ },
  { what: 'emits no error', handler: (call) => call.emit('error'), code: INTERNAL, report: /with undefined\.$/ },
  { what: 'emits text', handler: (call) => call.emit('error', 'secret text'), code: INTERNAL, report: /^secret text$/ },
  { what: 'destroys the call with text', handler: (call) => call.destroy('secret text'), code: INTERNAL, report: /^secret text$/ },
  { what: 'destroys the call with an error', handler: (call) => call.destroy(new Error('secret')), ...SECRET },
  { what: 'destroys the call with a status', handler: (call) => call.destroy(notFound()), ...NO_SUCH_THING },
  { what: 'writes and destroys the call with an error', handler: (call) => { call.write(1); call.destroy(new Error('secret')); }, ...SECRET },
  { what: 'destroys the call', handler: (call) => call.destroy(), code: INTERNAL, report: /destroyed before/ },
  { what: 'destroys the call later', handler: (call) => void setTimeout(() => call.destroy(), 5), code: INTERNAL, report: /destroyed before/ },
  { what: 'destroys the call and throws the reason', handler: async (call) => { call.destroy(); await immediate(); throw notFound(); }, ...NO_SUCH_THING },
  { what: 'ends and writes', handler: (call) => { call.end(); call.write(1); }, code: OK, messages: [], report: /write after end/ },
  { what: 'writes, ends and writes', handler: (call) => { call.write(1); call.end(); call.write(2); }, code: INTERNAL, report: /write after end/ },
  { what: 'ends twice', handler: (call) => { call.write(1); call.end(); call.end(); }, code: OK, messages: [1], report: null },
  { what: 'emits a plain error', handler: (call) => { call.write(1); call.emit('error', new Error('secret')); }, messages: [1], ...SECRET },
  { what: 'emits a status', handler: (call) => { call.write(1); call.emit('error', notFound()); }, messages: [1], ...NO_SUCH_THING },
  { what: 'writes null', handler: (call) => call.write(null), code: INTERNAL, report: /ERR_STREAM_NULL_VALUES/ },
  { what: 'writes what cannot be serialized', handler: (call) => { call.write(1); call.write(1n); }, code: INTERNAL, messages: [1], report: /could not be serialized/ },
  { what: 'ends, then throws', handler: (call) => { call.write(1); call.end(); throw new Error('late'); }, code: OK, messages: [1], report: /^Error: late/ },
  { what: 'ends, then rejects', handler: async (call) => { call.end(); await immediate(); throw new Error('late'); }, code: OK, report: /^Error: late/ },
];

const BIDI_CASES: readonly Case[] = [
  {
    what: 'answers in a loop over the call and ends', code: OK, messages: [1, 2, 3, 'bye'], report: null,
    handler: async (call) => { for await (const message of call) call.write(message); await delay(5); call.write('bye'); call.end(); },
  },
  {
    what: 'leaves the loop and goes on answering', code: OK, messages: ['enough'], report: null,
    handler: async (call) => { for await (const _ of call) break; call.write('enough'); call.end(); },
  },
  { what: 'throws a status in the loop', handler: async (call) => { for await (const _ of call) throw notFound(); }, ...NO_SUCH_THING },
  { what: 'throws in the loop', handler: async (call) => { for await (const _ of call) throw new Error('secret'); }, ...SECRET },
  { what: 'throws in a listener of data', handler: (call) => call.on('data', () => { throw new Error('secret'); }), ...SECRET },
];

const CASES: Readonly<Record<Kind, readonly Case[]>> = {
  unary: ANSWER_CASES,
  clientStream: [...ANSWER_CASES, ...CLIENT_STREAM_CASES],
  serverStream: STREAM_CASES,
  bidi: [...STREAM_CASES, ...BIDI_CASES],
};

for (const [kind, cases] of Object.entries(CASES) as [Kind, readonly Case[]][]) {
  describe(`a ${kind} handler that`, () => {
    for (const { what, handler, code, details, messages, report } of cases) {
      const answer = code === OK ? 'answers' : `ends with ${grpc.status[code]}`;
      test(`${what} ${answer}, once`, async () => {
        const rig = await startRig({ handlers: { [kind]: handler } });
        const outcome = await invoke(rig.client, kind, { send: [1, 2, 3] });
        await rig.idle();
        // A second report, or a late one, would come with what is already queued.
        await immediate();
        const { faults } = rig;
        rig.close();
        assert.deepEqual(pick(outcome, { code, details, messages }), dropUndefined({ code, details, messages }), faults[0]?.error);
        if (report === undefined) return;
        if (report === null) assert.deepEqual(faults, []);
        else {
          const [fault, ...more] = faults;
          assert.ok(fault !== undefined && more.length === 0, JSON.stringify(faults));
          assert.match(fault.error, report);
          assert.equal(fault.code, grpc.status[code]);
          assert.equal(fault.method, `/test.Calls/${kind}`);
          assert.match(fault.peer, /^127\.0\.0\.1:\d+$/);
        }
      });
    }
  });
}

function dropUndefined(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

function pick(outcome: Outcome, wanted: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(dropUndefined(wanted)).map((key) => [key, outcome[key as keyof Outcome]]),
  );
}

describe('a client that goes away', () => {
  const reactions: Record<string, (call: LooseCall, gone: Promise<unknown>) => Promise<unknown>> = {
    'is in its loop over the messages': async (call, gone) => { for await (const _ of call) await gone; },
    'gives up its own work': async (_call, gone) => { await gone; AbortSignal.abort().throwIfAborted(); },
  };
  for (const kind of ['clientStream', 'bidi'] as const) {
    for (const [what, react] of Object.entries(reactions)) {
      test(`is no fault of a ${kind} handler that ${what}`, async () => {
        const rejected = deferred<unknown>();
        const handler: LooseHandler = (call) => {
          const reaction = react(call, new Promise((resolve) => call.on('cancelled', resolve)));
          reaction.catch((error: unknown) => rejected.resolve(error));
          return reaction;
        };
        const rig = await startRig({ handlers: { [kind]: handler } });
        const outcome = await invoke(rig.client, kind, { send: [1, 2], end: false, onCall: (call) => setTimeout(() => call.cancel(), 30) });
        assert.ok((await rejected.promise) instanceof Error);
        await immediate();
        rig.close();
        assert.equal(outcome.code, grpc.status.CANCELLED);
        assert.deepEqual(rig.faults, []);
      });
    }
  }

  test('is no excuse for a fault of another kind', async () => {
    const handler: LooseHandler = async (call) => {
      await new Promise((resolve) => call.on('cancelled', resolve));
      throw new Error('of another kind');
    };
    const rig = await startRig({ handlers: { unary: handler } });
    await invoke(rig.client, 'unary', { onCall: (call) => setTimeout(() => call.cancel(), 30) });
    await rig.idle();
    await immediate();
    rig.close();
    assert.deepEqual(rig.faults.map(({ code, error }) => [code, error.split('\n')[0]]), [['CANCELLED', 'Error: of another kind']]);
  });
});
