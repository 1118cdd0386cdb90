import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setImmediate as immediate } from 'node:timers/promises';
import { after, describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { asyncHandlers, errorDetails, RpcError, type AsyncCall, type AsyncHandlers, type ErrorDetail } from '#src/index.js';
import { deferred } from '#src/shared/deferred.js';
import { invoke, startRig, KINDS, type Kind, type LooseHandler, type Rig } from '../support/call-rig.js';
import { Deadline } from '../support/deadline.js';

const { OK, INTERNAL, NOT_FOUND, CANCELLED, DEADLINE_EXCEEDED } = grpc.status;

type Handlers = AsyncHandlers;

async function withHandlers(handlers: Handlers, use: (rig: Rig, deadline: Deadline) => Promise<void>, more: Partial<Record<Kind, LooseHandler>> = {}): Promise<void> {
  const rig = await startRig({ handlers: { ...(asyncHandlers(handlers) as Partial<Record<Kind, LooseHandler>>), ...more } });
  try {
    await use(rig, new Deadline(20_000));
  } finally {
    rig.close();
  }
}

interface Numbered {
  readonly n: number;
}

const handlers = {
  async unary({ n }: Numbered) {
    await immediate();
    return { n: n + 1 };
  },
  async clientStream(requests: AsyncIterable<Numbered>) {
    let sum = 0;
    for await (const { n } of requests) sum += n;
    return { n: sum };
  },
  async *serverStream({ n }: Numbered) {
    for (let i = 0; i < n; i += 1) yield { n: i };
    await immediate();
  },
  async *bidi(requests: AsyncIterable<Numbered>) {
    for await (const { n } of requests) yield { n: n * 2 };
  },
};

test('async functions and generators serve calls of all four kinds', async () => {
  await withHandlers(handlers, async ({ client, faults }) => {
    const send = [{ n: 1 }, { n: 2 }, { n: 3 }];
    assert.deepEqual((await invoke(client, 'unary')).messages, [{ n: 2 }]);
    assert.deepEqual((await invoke(client, 'clientStream', { send })).messages, [{ n: 6 }]);
    assert.deepEqual((await invoke(client, 'serverStream', { send: [{ n: 3 }] })).messages, [{ n: 0 }, { n: 1 }, { n: 2 }]);
    assert.deepEqual((await invoke(client, 'bidi', { send })).messages, [{ n: 2 }, { n: 4 }, { n: 6 }]);
    assert.deepEqual(faults, []);
  });
});

test('plain functions may return messages, and streams be any iterable or a promise of one', async () => {
  await withHandlers({ unary: () => 'plain', serverStream: () => [1, 2], bidi: () => Promise.resolve(new Set([3])) }, async ({ client }) => {
    assert.deepEqual((await invoke(client, 'unary')).messages, ['plain']);
    assert.deepEqual((await invoke(client, 'serverStream')).messages, [1, 2]);
    assert.deepEqual((await invoke(client, 'bidi')).messages, [3]);
  });
});

test('plain grpc-js handlers work beside them, in one service', async () => {
  const plain: Partial<Record<Kind, LooseHandler>> = { clientStream: (_, callback) => callback(null, 'plain') };
  await withHandlers({ unary: () => 'async' }, async ({ client }) => {
    assert.deepEqual((await invoke(client, 'unary')).messages, ['async']);
    assert.deepEqual((await invoke(client, 'clientStream')).messages, ['plain']);
  }, plain);
});

test('an instance of a class serves, with its own fields and private methods', async () => {
  class Service {
    readonly #step = 10;
    unary({ n }: Numbered): Numbered {
      return this.add(n);
    }
    add(n: number): Numbered {
      return { n: n + this.#step };
    }
  }
  // Not copied with `...`, which leaves methods of a class behind.
  const rig = await startRig({ handlers: asyncHandlers(new Service() as unknown as Handlers) as Partial<Record<Kind, LooseHandler>> });
  assert.deepEqual((await invoke(rig.client, 'unary')).messages, [{ n: 11 }]);
  rig.close();
});

test('what is no function is refused where it is written', () => {
  assert.throws(() => asyncHandlers({ unary: 5 } as unknown as Handlers), /^TypeError: asyncHandlers: unary must be a function; it is number/);
});

describe('an error', () => {
  const failing = (fail: () => never): Handlers => ({
    unary: fail,
    async clientStream() { await immediate(); fail(); },
    async *serverStream() { await immediate(); yield 1; fail(); },
    async *bidi() { await immediate(); yield 1; fail(); },
  });

  test('of the class RpcError is the status of the call, with its trailers, and no fault', async () => {
    const metadata = new grpc.Metadata();
    metadata.set('why', 'test');
    await withHandlers(failing(() => { throw new RpcError('NOT_FOUND', 'no such thing', { metadata }); }), async ({ client, faults }) => {
      for (const kind of KINDS) {
        const { code, details, trailers, messages } = await invoke(client, kind);
        assert.deepEqual({ code, details, why: trailers.get('why') }, { code: NOT_FOUND, details: 'no such thing', why: ['test'] }, kind);
        assert.deepEqual(messages, kind === 'serverStream' || kind === 'bidi' ? [1] : [], kind);
      }
      assert.deepEqual(faults, []);
    });
  });

  test('of any other class is INTERNAL without its text, which is logged with the stack', async () => {
    await withHandlers(failing(() => { throw new Error('secret'); }), async ({ client, faults }) => {
      for (const kind of KINDS) {
        const { code, details } = await invoke(client, kind);
        assert.deepEqual({ code, details }, { code: INTERNAL, details: 'Internal error' }, kind);
      }
      assert.equal(faults.length, 4);
      for (const { error } of faults) assert.match(error, /^Error: secret\n.*async-handlers\.test/);
    });
  });

  test('is what a handler gets for an answer of the wrong form', async () => {
    const wrong: Handlers = { unary: () => undefined, async *clientStream() { yield await immediate(1); }, serverStream: () => 5, bidi: () => 'text' };
    await withHandlers(wrong, async ({ client, faults }) => {
      for (const kind of KINDS) assert.equal((await invoke(client, kind)).code, INTERNAL, kind);
      const texts = faults.map(({ error }) => error);
      assert.match(texts[0] ?? '', /returned undefined instead of a message/);
      assert.match(texts[1] ?? '', /generator, but its method answers with one message/);
      assert.match(texts[2] ?? '', /must be an async generator .*; it returned number/);
      assert.match(texts[3] ?? '', /must be an async generator .*; it returned string/);
    });
  });
});

test('trailers that a handler sets go with the status, good or bad, and join those of an error', async () => {
  const metadata = new grpc.Metadata();
  metadata.set('why', 'test');
  const set = (call: AsyncCall): void => call.trailer.set('cost', '3');
  const both: Handlers = {
    unary: (_: unknown, call) => { set(call); return 1; },
    clientStream: (_: unknown, call) => { set(call); throw new RpcError('NOT_FOUND', 'no', { metadata }); },
    async *serverStream(_: unknown, call) { await immediate(); set(call); yield 1; },
    async *bidi(_: unknown, call) { yield await immediate(1); set(call); throw new RpcError('NOT_FOUND', 'no', { metadata }); },
  };
  await withHandlers(both, async ({ client, faults }) => {
    for (const kind of KINDS) {
      const { code, details, trailers } = await invoke(client, kind);
      const isBad = kind === 'clientStream' || kind === 'bidi';
      assert.deepEqual([code, details], isBad ? [NOT_FOUND, 'no'] : [OK, 'OK'], kind);
      assert.deepEqual([trailers.get('cost'), trailers.get('why')], [['3'], isBad ? ['test'] : []], kind);
    }
    assert.deepEqual(faults, []);
  });
});

describe('rich errors', () => {
  const details: ErrorDetail[] = [
    { '@type': 'google.rpc.BadRequest', fieldViolations: [{ field: 'name', description: 'is empty', localizedMessage: { locale: 'de', message: 'ist leer' } }] },
    { '@type': 'google.rpc.ErrorInfo', reason: 'EMPTY', domain: 'example.com', metadata: { field: 'name' } },
    { '@type': 'google.rpc.RetryInfo', retryDelay: '1.5s' },
    { '@type': 'google.rpc.QuotaFailure', violations: [{ subject: 'me', quotaValue: 5, futureQuotaValue: 0, quotaDimensions: { region: 'eu' } }] },
    { '@type': 'google.rpc.Help', links: [{ description: 'docs', url: 'https://example.com' }] },
    { typeUrl: 'type.googleapis.com/acme.v1.Reason', value: Buffer.from([8, 1]) },
  ];

  test('travel as google.rpc.Status in grpc-status-details-bin, and clients get them back', async () => {
    await withHandlers({ unary: () => { throw new RpcError('INVALID_ARGUMENT', 'bad', { details }); } }, async ({ client, faults }) => {
      const { code, trailers } = await invoke(client, 'unary');
      assert.equal(code, grpc.status.INVALID_ARGUMENT);
      assert.deepEqual(errorDetails({ metadata: trailers }), details);
      assert.deepEqual(faults, []);
    });
  });

  test('have the bytes of google/rpc/status.proto', () => {
    const [bytes] = new RpcError(NOT_FOUND, 'no', { details: [{ '@type': 'google.rpc.RetryInfo', retryDelay: '-2.000000001s' }] }).metadata.get('grpc-status-details-bin');
    // Status { 1: 5, 2: "no", 3: Any { 1: the url, 2: RetryInfo { 1: Duration { 1: -2, 2: -1 } } } }
    const minus = (last: number): number[] => [last, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    const duration = [0x08, ...minus(0xfe), 0x10, ...minus(0xff)];
    const info = [0x0a, duration.length, ...duration];
    const url = [...Buffer.from('type.googleapis.com/google.rpc.RetryInfo')];
    const any = [0x0a, url.length, ...url, 0x12, info.length, ...info];
    assert.deepEqual(bytes, Buffer.from([0x08, 5, 0x12, 2, 0x6e, 0x6f, 0x1a, any.length, ...any]));
    assert.deepEqual(errorDetails(new RpcError('NOT_FOUND', 'no')), []);
  });

  test('refuse what is no detail, and a status that is none', () => {
    const refused = (detail: unknown): (() => RpcError) => () => new RpcError('INTERNAL', 'x', { details: [detail as ErrorDetail] });
    assert.throws(refused({ '@type': 'google.rpc.Nothing' }), /"google\.rpc\.Nothing" is not among/);
    assert.throws(refused({ '@type': 'google.rpc.RetryInfo', retryDelay: '5' }), /such as "1\.5s"; got "5"/);
    for (const code of [0, 17, 1.5, 'OK', 'NOPE', undefined] as readonly unknown[]) {
      assert.throws(() => new RpcError(code as grpc.status, 'x'), /^TypeError: An RpcError needs a status other than OK/, String(code));
    }
  });
});

describe('when the call ends before its handler', () => {
  /** What a handler of each kind saw, and the one place where it waits. */
  function waiting(): { handlers: Handlers; started: Promise<AsyncCall>; aborted: Promise<unknown>; returned: Promise<void> } {
    const started = deferred<AsyncCall>();
    const aborted = deferred<unknown>();
    const returned = deferred<undefined>();
    const wait = async (call: AsyncCall): Promise<never> => {
      const { signal } = call;
      const abort = once(signal, 'abort');
      started.resolve(call);
      await abort;
      aborted.resolve(signal.reason);
      signal.throwIfAborted();
      throw new Error('not aborted');
    };
    const generate = async function* (call: AsyncCall): AsyncGenerator {
      try {
        yield 1;
        yield await wait(call);
      } finally {
        returned.resolve(undefined);
      }
    };
    return {
      handlers: {
        unary: (_: unknown, call) => wait(call),
        clientStream: (_: unknown, call) => wait(call),
        serverStream: (_: unknown, call) => generate(call),
        bidi: (_: unknown, call) => generate(call),
      },
      started: started.promise,
      aborted: aborted.promise,
      returned: returned.promise,
    };
  }

  for (const kind of KINDS) {
    test(`call.signal aborts on cancellation and nothing is a fault: ${kind}`, async () => {
      const { handlers: waiters, started, aborted, returned } = waiting();
      await withHandlers(waiters, async ({ client, faults, idle }, deadline) => {
        const outcome = invoke(client, kind, { onCall: (call) => void started.then(() => call.cancel()) });
        assert.equal((await outcome).code, CANCELLED);
        const reason = await deadline.wait(aborted, 'the abort', () => '');
        assert.ok(reason instanceof Error);
        assert.equal(reason.name, 'AbortError');
        assert.match(reason.message, /is over: it was cancelled/);
        if (kind === 'serverStream' || kind === 'bidi') await deadline.wait(returned, 'the finally', () => '');
        await idle();
        await immediate();
        assert.deepEqual(faults, []);
      });
    });
  }

  test('call.signal aborts at the deadline and says so', async () => {
    const { handlers: waiters, aborted } = waiting();
    await withHandlers(waiters, async ({ client }, deadline) => {
      assert.equal((await invoke(client, 'unary', { deadline: 300 })).code, DEADLINE_EXCEEDED);
      assert.match(String(await deadline.wait(aborted, 'the abort', () => '')), /AbortError: .*\/test\.Calls\/unary is over: (its deadline|it was cancelled)/);
    });
  });

  test('a stream that its client cut never looks as if all had come', async () => {
    const ends: string[] = [];
    const own: Handlers = {
      async clientStream(requests: AsyncIterable<unknown>) {
        try {
          for await (const _ of requests);
          ends.push('whole');
        } catch {
          ends.push('cut');
        }
        return 1;
      },
    };
    await withHandlers(own, async ({ client, idle }, deadline) => {
      for (let round = 0; round < 20; round += 1) {
        const { code } = await invoke(client, 'clientStream', { end: false, onCall: (call) => setImmediate(() => call.cancel()) });
        assert.equal(code, CANCELLED);
      }
      assert.equal((await invoke(client, 'clientStream')).code, OK);
      await idle();
      await deadline.poll(() => (ends.includes('whole') ? true : undefined), 'the end of the whole one');
      assert.deepEqual([...new Set(ends.slice(0, -1))], ['cut']);
      assert.equal(ends.at(-1), 'whole');
    });
  });

  test('a signal that is asked for too late is aborted already, and one of an answered call never is', async () => {
    const late = deferred<AbortSignal>();
    const calls: AsyncCall[] = [];
    const own: Handlers = {
      async clientStream(requests: AsyncIterable<unknown>, call) {
        try {
          for await (const _ of requests);
        } finally {
          late.resolve(call.signal);
        }
      },
      unary: (_: unknown, call) => { calls.push(call); return 1; },
    };
    await withHandlers(own, async ({ client, idle }, deadline) => {
      assert.equal((await invoke(client, 'clientStream', { end: false, onCall: (call) => setImmediate(() => call.cancel()) })).code, CANCELLED);
      assert.equal((await deadline.wait(late.promise, 'the end of the loop', () => '')).aborted, true);
      assert.equal((await invoke(client, 'unary')).code, OK);
      await idle();
      assert.equal(calls[0]?.signal.aborted, false);
    });
  });

  test('a generator that waits at its yield is returned from, and what its finally throws is logged', async () => {
    const yielded = deferred<undefined>();
    const ended = deferred<undefined>();
    const own: Handlers = {
      async *serverStream() {
        try {
          for (;;) {
            yield 'x'.repeat(100_000);
            yielded.resolve(undefined);
            await immediate();
          }
        } finally {
          ended.resolve(undefined);
          // eslint-disable-next-line no-unsafe-finally -- it is what the test is about
          throw new Error('from finally');
        }
      },
    };
    await withHandlers(own, async ({ client, faults, idle }, deadline) => {
      const paused = (call: grpc.Call): void => {
        (call as grpc.ClientReadableStream<unknown>).pause();
        void yielded.promise.then(() => call.cancel());
      };
      assert.equal((await invoke(client, 'serverStream', { onCall: paused })).code, CANCELLED);
      await deadline.wait(ended.promise, 'the finally', () => '');
      await idle();
      await deadline.poll(() => (faults.length > 0 ? true : undefined), 'the fault');
      assert.match(faults[0]?.error ?? '', /^Error: from finally/);
      assert.equal(faults.length, 1);
    });
  });
});

describe('back-pressure', () => {
  const BIG = 'x'.repeat(64_000);

  test('holds a generator back while the client does not read', async () => {
    let made = 0;
    const endless: Handlers = {
      async *serverStream() {
        for (;;) {
          yield BIG;
          made += 1;
          await immediate();
        }
      },
    };
    await withHandlers(endless, async ({ client }, deadline) => {
      const open = deferred<grpc.ClientReadableStream<unknown>>();
      const outcome = invoke(client, 'serverStream', {
        onCall(call) {
          const stream = call as grpc.ClientReadableStream<unknown>;
          stream.pause();
          open.resolve(stream);
        },
      });
      const stream = await open.promise;
      const quiet = await settled(() => made, deadline);
      // Its own 16 objects, the windows of HTTP/2, and the sockets; not what a loop makes in that time.
      assert.ok(quiet > 0 && quiet < 400, `${quiet} messages were made`);
      stream.resume();
      await deadline.poll(() => (made > quiet + 20 ? true : undefined), 'more messages');
      stream.cancel();
      assert.equal((await outcome).code, CANCELLED);
    });
  });

  test('holds the client back while the handler does not read', async () => {
    const go = deferred<undefined>();
    const slow: Handlers = {
      async clientStream(requests: AsyncIterable<unknown>) {
        await go.promise;
        let n = 0;
        for await (const _ of requests) n += 1;
        return n;
      },
    };
    await withHandlers(slow, async ({ client }, deadline) => {
      let taken = 0;
      const outcome = invoke(client, 'clientStream', {
        send: [], end: false,
        onCall(call) {
          const stream = call as grpc.ClientWritableStream<unknown>;
          const next = (): void => {
            if (taken < 300) stream.write(BIG, () => { taken += 1; setImmediate(next); });
            else stream.end();
          };
          next();
        },
      });
      const quiet = await settled(() => taken, deadline);
      assert.ok(quiet < 300, `all ${quiet} messages were taken`);
      go.resolve(undefined);
      assert.deepEqual((await outcome).messages, [300]);
    });
  });

  /** The value of a counter when it has not moved for 300 ms. */
  async function settled(count: () => number, deadline: Deadline): Promise<number> {
    let last = -1;
    let since = performance.now();
    return deadline.poll(() => {
      const now = count();
      if (now !== last) {
        last = now;
        since = performance.now();
      }
      return now > 0 && performance.now() - since > 300 ? now : undefined;
    }, 'a quiet counter');
  }
});

test('a handler that leaves its loop over the requests still answers', async () => {
  const first: Handlers = {
    async clientStream(requests: AsyncIterable<Numbered>) {
      for await (const { n } of requests) return { n };
      throw new Error('nothing came');
    },
    async *bidi(requests: AsyncIterable<Numbered>) {
      for await (const { n } of requests) {
        yield { n };
        break;
      }
      yield { n: -1 };
    },
  };
  await withHandlers(first, async ({ client, faults }) => {
    const options = { send: [{ n: 7 }, { n: 8 }], end: false };
    assert.deepEqual((await invoke(client, 'clientStream', options)).messages, [{ n: 7 }]);
    assert.deepEqual((await invoke(client, 'bidi', options)).messages, [{ n: 7 }, { n: -1 }]);
    assert.deepEqual(faults, []);
  });
});

describe('in a plain grpc-js server', () => {
  const server = new grpc.Server();
  after(() => server.forceShutdown());

  test('an error is a status too, and the process lives', async () => {
    const { SERVICE } = await import('../support/call-rig.js');
    server.addService(SERVICE, { ...asyncHandlers({
      unary: () => { throw new RpcError('NOT_FOUND', 'no'); },
      clientStream: () => 1,
      async *serverStream() { await immediate(); yield 1; throw new RpcError('NOT_FOUND', 'no'); },
      async *bidi() { await immediate(); yield 1; },
    }) });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error)));
    });
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    assert.equal((await invoke(client, 'unary')).code, NOT_FOUND);
    const { code, messages } = await invoke(client, 'serverStream');
    assert.deepEqual([code, messages], [NOT_FOUND, [1]]);
    assert.deepEqual((await invoke(client, 'bidi')).messages, [1]);
    client.close();
  });
});
