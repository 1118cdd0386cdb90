import assert from 'node:assert/strict';
import { setImmediate as immediate } from 'node:timers/promises';
import { describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { invoke, KINDS, startRig, type Kind, type LooseHandler } from '../support/call-rig.js';

const { OK, INTERNAL } = grpc.status;

/** Answers once everything was read. */
const handlers: Record<Kind, LooseHandler> = {
  unary: (_call, callback) => callback(null, 'yes'),
  async clientStream(call, callback) {
    for await (const _ of call);
    callback(null, 'yes');
  },
  serverStream(call) {
    call.write('yes');
    call.end();
  },
  async bidi(call) {
    for await (const _ of call);
    call.write('yes');
    call.end();
  },
};

type Hook = keyof grpc.FullResponder | keyof grpc.FullServerListener;

const fail = (): never => {
  throw new Error('interceptor fault');
};

/** Fails in the one hook. */
function failing(hook: Hook): grpc.ServerInterceptor {
  return (_method, call) => {
    if (hook === 'start' || hook.startsWith('send')) return new grpc.ServerInterceptingCall(call, { [hook]: fail });
    return new grpc.ServerInterceptingCall(call, { start: (next) => next({ [hook]: fail }) });
  };
}

/** Passes everything on and counts what it hears. */
function counting(heard: string[]): grpc.ServerInterceptor {
  return (_method, call) =>
    new grpc.ServerInterceptingCall(call, {
      start(next) {
        heard.push('start');
        next({ onCancel: () => heard.push('end') });
      },
      sendStatus(answer, next) {
        heard.push(`status ${String(answer.code)}`);
        next(answer);
      },
    });
}

const HOOKS: readonly Hook[] = [
  'start', 'onReceiveMetadata', 'onReceiveMessage', 'onReceiveHalfClose', 'sendMetadata', 'sendMessage', 'sendStatus',
];

describe('an interceptor that throws', { timeout: 60_000 }, () => {
  for (const hook of HOOKS) {
    for (const kind of KINDS) {
      test(`in ${hook} ends a ${kind} call with INTERNAL, and is reported`, async () => {
        const rig = await startRig({ handlers: handlersFor(hook), parts: () => ({ user: [failing(hook)] }) });
        const outcome = await invoke(rig.client, kind);
        await rig.idle();
        rig.close();
        assert.deepEqual([outcome.code, outcome.details], [INTERNAL, 'Internal error']);
        assert.match(rig.faults[0]?.error ?? '', /^Error: interceptor fault/);
        assert.equal(rig.faults[0]?.code, 'INTERNAL');
      });
    }
  }

  test('at its creation ends the call with INTERNAL, and those after it are not created', async () => {
    const heard: string[] = [];
    const rig = await startRig({ handlers, parts: () => ({ user: [fail, counting(heard)] }) });
    for (const kind of KINDS) {
      const outcome = await invoke(rig.client, kind);
      assert.deepEqual([outcome.code, outcome.details], [INTERNAL, 'Internal error']);
    }
    await rig.idle();
    rig.close();
    assert.equal(rig.faults.length, KINDS.length);
    assert.deepEqual(heard, []);
  });

  test('in onCancel is reported, and the handler hears of the end all the same', async () => {
    const ends: string[] = [];
    const rig = await startRig({
      handlers: { unary: (call, callback) => { call.on('cancelled', () => ends.push('handler')); callback(null, 1); } },
      parts: () => ({ user: [counting(ends), failing('onCancel'), counting(ends)] }),
    });
    const outcome = await invoke(rig.client, 'unary');
    await rig.idle();
    await immediate();
    rig.close();
    assert.equal(outcome.code, OK);
    assert.deepEqual(ends.filter((what) => what === 'end' || what === 'handler'), ['end', 'end', 'handler']);
    assert.deepEqual(rig.faults.map(({ code }) => code), ['OK']);
  });

  test('leaves those around it to hear the end, each once', async () => {
    const below: string[] = [];
    const above: string[] = [];
    const rig = await startRig({
      handlers, parts: () => ({ user: [counting(below), failing('onReceiveMetadata'), counting(above)] }),
    });
    await invoke(rig.client, 'bidi');
    await rig.idle();
    await immediate();
    rig.close();
    assert.deepEqual([below, above], [['start', 'end'], ['start', 'end']]);
  });
});

/** sendMetadata is only called for a handler that sends some. */
function handlersFor(hook: Hook): Partial<Record<Kind, LooseHandler>> {
  if (hook !== 'sendMetadata') return handlers;
  const entries = Object.entries(handlers).map(([kind, handler]): [string, LooseHandler] => [
    kind,
    (call, callback) => {
      call.sendMetadata(new grpc.Metadata());
      return handler(call, callback);
    },
  ]);
  return Object.fromEntries(entries);
}

describe('an interceptor that returns', { timeout: 60_000 }, () => {
  for (const [what, made] of [['nothing', undefined], ['something else', { start: fail }]] as const) {
    test(`${what} ends the call with INTERNAL, and the report says what is missing`, async () => {
      const rig = await startRig({ handlers, parts: () => ({ user: [(() => made) as unknown as grpc.ServerInterceptor] }) });
      const outcome = await invoke(rig.client, 'unary');
      rig.close();
      assert.equal(outcome.code, INTERNAL);
      assert.match(rig.faults[0]?.error ?? '', /returned no call \(\w+ is missing\)/);
    });
  }
});

describe('interceptors', { timeout: 60_000 }, () => {
  test('run outermost first, and see statuses in the other direction', async () => {
    const seen: string[] = [];
    const named = (name: string): grpc.ServerInterceptor => (_method, call) =>
      new grpc.ServerInterceptingCall(call, {
        start: (next) => next({
          onReceiveMetadata(metadata, pass) { seen.push(`${name} metadata`); pass(metadata); },
        }),
        sendStatus(answer, next) { seen.push(`${name} status`); next(answer); },
      });
    const rig = await startRig({ handlers, parts: () => ({ user: [named('a'), named('b')] }) });
    await invoke(rig.client, 'unary');
    rig.close();
    assert.deepEqual(seen, ['a metadata', 'b metadata', 'b status', 'a status']);
  });

  test('may answer later, and may hold the answer back', async () => {
    const slow: grpc.ServerInterceptor = (_method, call) =>
      new grpc.ServerInterceptingCall(call, {
        start: (next) => next({ onReceiveMetadata: (metadata, pass) => void setTimeout(() => pass(metadata), 10) }),
        sendStatus: (answer, next) => void setTimeout(() => next(answer), 10),
      });
    const rig = await startRig({ handlers, parts: () => ({ user: [slow] }) });
    for (const kind of KINDS) {
      const { code, messages } = await invoke(rig.client, kind);
      assert.deepEqual([code, messages], [OK, ['yes']], kind);
    }
    rig.close();
    assert.deepEqual(rig.faults, []);
  });

  test('of the plainest form, which returns the call it was given, work', async () => {
    const plain = ((_method: unknown, call: unknown) => call) as grpc.ServerInterceptor;
    const rig = await startRig({ handlers, parts: () => ({ user: [plain, plain] }) });
    const { code } = await invoke(rig.client, 'bidi');
    rig.close();
    assert.equal(code, OK);
  });
});
