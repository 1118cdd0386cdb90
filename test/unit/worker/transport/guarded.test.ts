import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import grpc from '@grpc/grpc-js';
import type { ActiveCall } from '#src/worker/calls/active-call.js';
import { assembleInterceptors } from '#src/worker/calls/assemble-interceptors.js';
import type { CallFault } from '#src/worker/calls/call-fault.js';
import { callContext } from '#src/worker/calls/call-context.js';
import { CallRegistry } from '#src/worker/calls/call-registry.js';
import { guardHandler } from '#src/worker/calls/guard.js';
import { KINDS, type Kind, type LooseCall, type LooseHandler } from '../../../support/call-rig.js';
import { startLeanRig, type LeanRig } from '../../../support/lean-rig.js';
import { frame, requestFields } from '../../../support/link-client.js';

const { status } = grpc;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface GuardedRig extends LeanRig {
  readonly registry: CallRegistry;
  readonly faults: CallFault[];
  readonly codes: number[];
}

/** As a worker has it: each handler guarded, accounting next to the wire, and an interceptor of a user's. */
function startGuarded(handlers: Partial<Record<Kind, LooseHandler>>): GuardedRig {
  const faults: CallFault[] = [];
  const codes: number[] = [];
  const registry = new CallRegistry({ report: (fault) => faults.push(fault), onCallEnded: (_call: ActiveCall, code) => codes.push(code) });
  const pass: grpc.ServerInterceptor = (_method, call) => new grpc.ServerInterceptingCall(call);
  const rig = startLeanRig({
    interceptors: assembleInterceptors({ accounting: registry.accounting, limit: null, signature: null, user: [pass] }),
    handlers: Object.fromEntries(KINDS.flatMap((kind) => {
      const handler = handlers[kind];
      return handler === undefined ? [] : [[kind, guardHandler(kind, handler as unknown as grpc.UntypedHandleCall) as unknown as LooseHandler]];
    })),
  });
  return { ...rig, registry, faults, codes };
}

describe('with the guard and the accounting of a worker', () => {
  test('calls of every kind are answered, counted, and found without fault', async () => {
    const { client, registry, faults, codes } = startGuarded({
      unary: (call, callback) => callback(null, call.request),
      async clientStream(call, callback) {
        let bytes = 0;
        for await (const message of call) bytes += (message as Buffer).length;
        callback(null, Buffer.from(String(bytes)));
      },
      async serverStream(call) {
        for (let count = 0; count < 3; count += 1) {
          call.write(Buffer.from('x'));
          await turn();
        }
        call.end();
      },
      bidi(call) {
        call.on('data', (message) => call.write(message));
        call.on('end', () => call.end());
      },
    });
    for (const kind of KINDS) assert.equal((await client.call(`/test.Calls/${kind}`, ['ab']).ended).status, status.OK, kind);
    await turn();
    assert.deepEqual(faults, []);
    assert.deepEqual(codes, [0, 0, 0, 0]);
    assert.equal(registry.inFlight, 0);
    assert.deepEqual(client.violations, []);
  });

  const thrown: Record<string, LooseHandler> = {
    throws: () => {
      throw new Error('secret');
    },
    rejects: () => Promise.reject(new Error('secret')),
    'resolves with a value': () => Promise.resolve(Buffer.alloc(1)),
  };
  for (const [name, handler] of Object.entries(thrown)) {
    for (const kind of ['unary', 'clientStream'] as const) {
      test(`a ${kind} handler that ${name} ends its call with INTERNAL, without a word of why`, async () => {
        const { client, faults, codes } = startGuarded({ [kind]: handler });
        const call = await client.call(`/test.Calls/${kind}`, ['a']).ended;
        assert.equal(call.status, status.INTERNAL);
        assert.doesNotMatch(call.details, /secret/);
        await turn();
        assert.equal(faults.length, 1);
        assert.deepEqual(codes, [status.INTERNAL]);
      });
    }
  }

  test('a handler that throws after its answer has answered', async () => {
    const { client, faults } = startGuarded({
      unary: (call, callback) => {
        callback(null, call.request);
        throw new Error('afterwards');
      },
    });
    assert.equal((await client.call('/test.Calls/unary', ['a']).ended).status, status.OK);
    assert.match(faults[0]?.error ?? '', /afterwards/);
  });

  test('a message that cannot be sent is a fault, one that was sent at once is none', async () => {
    const { client, faults } = startGuarded({
      unary: (call, callback) => callback(null, String(call.request) === 'good' ? call.request : { no: 'bytes' }),
    });
    assert.equal((await client.call('/test.Calls/unary', ['good']).ended).status, status.OK);
    assert.deepEqual(faults, []);
    assert.equal((await client.call('/test.Calls/unary', ['bad']).ended).status, status.INTERNAL);
    assert.equal(faults.length, 1);
  });

  test('a message is with its handler in the next tick, without a promise of its own', async () => {
    let entered = 0;
    const { client } = startGuarded({
      unary: (call, callback) => {
        entered += 1;
        callback(null, call.request);
      },
    });
    const seen = await new Promise<number>((resolve) => {
      // As from a socket: promises come after all ticks.
      setImmediate(() => {
        for (let count = 0; count < 3; count += 1) client.call('/test.Calls/unary', ['a']);
        process.nextTick(() => resolve(entered));
      });
    });
    assert.equal(seen, 3);
    for (const call of client.calls.values()) assert.equal((await call.ended).status, status.OK);
  });

  test('messages keep their order, some of them compressed and several of them in a frame', async () => {
    const { client, faults } = startGuarded({
      bidi: async (call) => {
        // By then most of them wait.
        await turn();
        for await (const message of call) call.write(message);
        call.end();
      },
    });
    const call = client.begin(requestFields('/test.Calls/bidi', [['grpc-encoding', 'gzip']]));
    const texts = Array.from({ length: 40 }, (_, count) => `message ${count}`);
    const frames = texts.map((text, count) => (count % 3 === 1 ? frame(gzipSync(text), true) : frame(text)));
    for (let first = 0; first < frames.length; first += 8) call.send(Buffer.concat(frames.slice(first, first + 8)));
    call.end();
    await call.ended;
    assert.equal(call.status, status.OK);
    assert.deepEqual(call.messages.map(String), texts);
    assert.deepEqual(faults, []);
  });

  test('a message that cannot be read ends its own call, not those that came with it', async () => {
    const { client, codes } = startGuarded({ unary: (call, callback) => callback(null, call.request) });
    const calls = ['good', 'unreadable', 'good'].map((text) => client.call('/test.Calls/unary', [text]));
    for (const call of calls) await call.ended;
    assert.deepEqual(calls.map((call) => call.status), [status.OK, status.INTERNAL, status.OK]);
    assert.equal(calls[1]?.details, 'Error deserializing request');
    await turn();
    assert.deepEqual(codes.sort(), [status.OK, status.OK, status.INTERNAL]);
  });

  test('a call that its client gives up counts as cancelled, also while its answer waits for the window', async () => {
    const { client, codes, registry } = startGuarded({
      unary: (_call, callback) => callback(null, Buffer.alloc(200_000)),
      clientStream: () => undefined,
    });
    await client.set(1000);
    const waiting = client.call('/test.Calls/unary', ['a']);
    await turn();
    waiting.cancel();
    const open = client.begin(requestFields('/test.Calls/clientStream'));
    open.send(frame('a'));
    open.cancel();
    await turn();
    assert.deepEqual(codes, [status.CANCELLED, status.CANCELLED]);
    assert.equal(registry.inFlight, 0);
  });

  test('the statuses that grpc-js gives by itself are counted as what they are', async () => {
    const { client, codes } = startGuarded({ unary: () => undefined });
    await client.call('/test.Calls/unary', ['a'], [['grpc-timeout', '10m']]).ended;
    await client.call('/test.Calls/unary', ['a'], [['grpc-timeout', 'soon']]).ended;
    const large = client.begin(requestFields('/test.Calls/unary'));
    const prefix = frame('').fill(0xff, 1);
    large.send(prefix);
    await large.ended;
    await turn();
    assert.deepEqual(codes, [status.DEADLINE_EXCEEDED, status.INTERNAL, status.RESOURCE_EXHAUSTED]);
  });

  test('a handler works in the context of its own call, whatever else comes in the same chunk', async () => {
    const paths: (string | undefined)[] = [];
    const { client } = startGuarded({
      async unary(call, callback) {
        const before = callContext.getStore()?.call;
        await turn();
        paths.push(String(call.request), callContext.getStore()?.path);
        assert.equal(callContext.getStore()?.call, before);
        callback(null, call.request);
      },
      bidi(call) {
        call.on('data', (message) => {
          paths.push(String(message), callContext.getStore()?.path);
          call.write(message);
        });
        call.on('end', () => call.end());
      },
    });
    await Promise.all([client.call('/test.Calls/unary', ['a']), client.call('/test.Calls/bidi', ['b', 'c'])].map(({ ended }) => ended));
    assert.deepEqual(paths.sort(), ['/test.Calls/bidi', '/test.Calls/bidi', '/test.Calls/unary', 'a', 'b', 'c']);
  });

  test('the listener of "drain" works in the context of its call', async () => {
    const seen: (string | undefined)[] = [];
    const { client } = startGuarded({
      serverStream(call) {
        for (let count = 0; count < 40; count += 1) call.write(Buffer.alloc(10_000));
        call.on('drain', () => {
          seen.push(callContext.getStore()?.path);
          call.end();
        });
      },
    });
    const call = await client.call('/test.Calls/serverStream', ['a']).ended;
    assert.equal(call.messages.length, 40);
    assert.deepEqual(seen, ['/test.Calls/serverStream']);
  });

  test('a link that dies ends every call as cancelled', async () => {
    const { client, session, codes, registry } = startGuarded({ unary: () => undefined, bidi: () => undefined, clientStream: () => undefined });
    for (const kind of ['unary', 'bidi', 'clientStream']) client.begin(requestFields(`/test.Calls/${kind}`)).send(frame('a'));
    await turn();
    assert.equal(registry.inFlight, 3);
    session.close();
    await turn();
    assert.deepEqual(codes, [1, 1, 1]);
    assert.equal(registry.inFlight, 0);
  });

  test('nothing that users keep in an AsyncLocalStorage for one call is seen by another', async () => {
    const user = new AsyncLocalStorage<string>();
    const seen: string[] = [];
    const serve = (call: LooseCall): void => {
      const [name] = call.metadata.get('name');
      const note = (): unknown => seen.push(`${String(name)} sees ${user.getStore() ?? 'nobody'}`);
      // What is kept here must not be there when the other's messages come.
      user.run(String(name), () => {
        call.on('data', note);
        call.on('cancelled', note);
      });
      call.on('end', () => call.end());
    };
    const { client } = startGuarded({ bidi: serve });
    const calls = ['anna', 'bert'].map((name) => {
      const call = client.begin(requestFields('/test.Calls/bidi', [['name', name]]));
      call.send(frame('secret'));
      return call;
    });
    await turn();
    await turn();
    calls.forEach((call) => call.end());
    await Promise.all(calls.map(({ ended }) => ended));
    assert(seen.length >= 2);
    for (const line of seen) assert.doesNotMatch(line, /anna sees bert|bert sees anna/);
  });
});
