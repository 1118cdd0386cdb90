import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import { deferred } from '#src/shared/deferred.js';
import { CallLimit } from '#src/worker/calls/call-limit.js';
import { interceptorOf } from '#src/worker/calls/forwarding-call.js';
import { SignatureCheck } from '#src/worker/calls/signature.js';
import { invoke, KINDS, startRig, type Kind, type LooseHandler } from '../support/call-rig.js';

const { OK, RESOURCE_EXHAUSTED, UNAUTHENTICATED, CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE } = grpc.status;

/** Handlers that tell when they run and wait until they are let go. */
function gate() {
  const running: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const handler = (kind: Kind): LooseHandler => (call, callback) => {
    running.push(() => {
      if (kind === 'unary' || kind === 'clientStream') callback(null, 1);
      else call.end();
    });
    waiting.shift()?.();
  };
  return {
    handlers: Object.fromEntries(KINDS.map((kind) => [kind, handler(kind)])),
    entered: () => new Promise<void>((resolve) => waiting.push(resolve)),
    letGo: () => running.splice(0).forEach((go) => go()),
    get count() { return running.length; },
  };
}

describe('the limit of calls in progress', { timeout: 60_000 }, () => {
  for (const kind of KINDS) {
    test(`refuses a ${kind} call that is one too many, without running its handler`, async () => {
      const limit = new CallLimit(1);
      const doors = gate();
      const rig = await startRig({ handlers: doors.handlers, parts: () => ({ limit: limit.interceptor }) });
      const entered = doors.entered();
      const first = invoke(rig.client, 'unary');
      await entered;
      const excess = await invoke(rig.client, kind);
      assert.deepEqual([excess.code, excess.details], [RESOURCE_EXHAUSTED, 'Concurrent RPC limit exceeded!']);
      assert.equal(doors.count, 1);
      doors.letGo();
      assert.equal((await first).code, OK);
      await rig.idle();
      const again = doors.entered();
      const next = invoke(rig.client, kind);
      await again;
      doors.letGo();
      assert.equal((await next).code, OK);
      await rig.idle();
      rig.close();
      assert.equal(limit.taken, 0);
    });
  }

  const ends: Record<string, [code: number, act: (call: grpc.Call, server: grpc.Server) => void, deadline?: number]> = {
    cancelled: [CANCELLED, (call) => call.cancel()],
    'past its deadline': [DEADLINE_EXCEEDED, () => undefined, 50],
    'cut with its connection': [UNAVAILABLE, (_call, server) => server.forceShutdown()],
  };
  for (const [what, [code, act, deadline = 3000]] of Object.entries(ends)) {
    test(`gets the place of a call that is ${what} back, once`, async () => {
      const limit = new CallLimit(1);
      const doors = gate();
      const rig = await startRig({ handlers: doors.handlers, parts: () => ({ limit: limit.interceptor }) });
      let client: grpc.Call | undefined;
      const entered = doors.entered();
      const outcome = invoke(rig.client, 'bidi', { deadline, onCall: (call) => (client = call) });
      await entered;
      assert.ok(client !== undefined);
      act(client, rig.server);
      assert.ok([code, CANCELLED].includes((await outcome).code));
      await rig.idle();
      doors.letGo();
      rig.close();
      assert.equal(limit.taken, 0);
    });
  }

  test('is exact under load, cancels and deadlines', async () => {
    const limit = new CallLimit(7);
    let inside = 0;
    let most = 0;
    const rig = await startRig({
      handlers: {
        unary: async (call, callback) => {
          inside += 1;
          most = Math.max(most, inside);
          call.on('cancelled', () => (inside -= 1));
          await delay(5);
          callback(null, 1);
        },
      },
      parts: () => ({ limit: limit.interceptor }),
    });
    const codes = new Map<number, number>();
    const lane = async (index: number): Promise<void> => {
      for (let i = 0; i < 40; i += 1) {
        const { code } = await invoke(rig.client, 'unary', {
          deadline: i % 5 === 0 ? 4 : 3000,
          onCall: (call) => i % 7 === 0 && setTimeout(() => call.cancel(), index % 5),
        });
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => lane(index)));
    await rig.idle();
    rig.close();
    assert.deepEqual([most, inside, limit.taken], [7, 0, 0]);
    for (const code of [OK, RESOURCE_EXHAUSTED, CANCELLED, DEADLINE_EXCEEDED] as number[]) assert.ok((codes.get(code) ?? 0) > 0, grpc.status[code]);
  });

  test('neither counts nor refuses health checks', async () => {
    const limit = new CallLimit(1);
    const doors = gate();
    const health = {
      Check: {
        path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false,
        requestSerialize: String, requestDeserialize: String,
        responseSerialize: () => Buffer.from('"SERVING"'), responseDeserialize: String,
      },
    };
    const rig = await startRig({
      handlers: doors.handlers,
      parts: () => ({ limit: limit.interceptor }),
      services: (server) => server.addService(health as unknown as grpc.ServiceDefinition, {
        Check: (_call: unknown, callback: grpc.sendUnaryData<unknown>) => callback(null, 'SERVING'),
      }),
    });
    const check = () => invoke(rig.client, 'unary', { path: '/grpc.health.v1.Health/Check' });
    assert.deepEqual([(await check()).messages, limit.taken], [['SERVING'], 0]);
    const entered = doors.entered();
    const first = invoke(rig.client, 'unary');
    await entered;
    assert.deepEqual([(await check()).messages, limit.taken], [['SERVING'], 1]);
    doors.letGo();
    await first;
    rig.close();
  });

  test('comes before the signature: a call over it is told so, and a badly signed one takes a place', async () => {
    const limit = new CallLimit(1);
    const doors = gate();
    const seen = deferred<number>();
    const signature = new SignatureCheck({ key: ['right'] }, ['test.Calls/bidi']).interceptor;
    const peek = interceptorOf((method, call) => {
      if (method.path === '/test.Calls/unary') seen.resolve(limit.taken);
      return call;
    });
    const rig = await startRig({ handlers: doors.handlers, parts: () => ({ limit: limit.interceptor, signature, user: [peek] }) });
    assert.equal((await invoke(rig.client, 'unary')).code, UNAUTHENTICATED);
    assert.equal(await seen.promise, 1);
    await rig.idle();
    const entered = doors.entered();
    const first = invoke(rig.client, 'bidi');
    await entered;
    assert.equal((await invoke(rig.client, 'unary')).code, RESOURCE_EXHAUSTED);
    doors.letGo();
    await first;
    rig.close();
  });

  test('of 0 refuses every call', async () => {
    const rig = await startRig({ handlers: gate().handlers, parts: () => ({ limit: new CallLimit(0).interceptor }) });
    assert.equal((await invoke(rig.client, 'unary')).code, RESOURCE_EXHAUSTED);
    rig.close();
  });
});
