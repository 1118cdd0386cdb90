import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import grpc from '@grpc/grpc-js';
import { deferred } from '#src/shared/deferred.js';
import { invoke, KINDS, SERVICE, startRig, type Kind, type LooseCallback, type LooseCall, type LooseHandler } from '../support/call-rig.js';

const { OK, CANCELLED, INTERNAL, NOT_FOUND, DEADLINE_EXCEEDED, UNAVAILABLE, RESOURCE_EXHAUSTED } = grpc.status;

const answering: Record<Kind, LooseHandler> = {
  unary: (call, callback) => callback(null, call.request),
  async clientStream(call, callback) {
    let count = 0;
    for await (const _ of call) count += 1;
    callback(null, count);
  },
  serverStream(call) {
    call.write(call.request);
    call.end();
  },
  async bidi(call) {
    for await (const message of call) call.write(message);
    call.end();
  },
};

/** Never answers; a call is handed out as it comes in. */
function holding() {
  const waiting: ((call: LooseCall, callback: LooseCallback) => void)[] = [];
  const handler: LooseHandler = (call, callback) => waiting.shift()?.(call, callback);
  return {
    handlers: Object.fromEntries(KINDS.map((kind) => [kind, handler])),
    next: () => new Promise<{ call: LooseCall; callback: LooseCallback }>((resolve) => {
      waiting.push((call, callback) => resolve({ call, callback }));
    }),
  };
}

describe('the registry of calls', { timeout: 60_000 }, () => {
  test('tells of each call how it ended, once, and is empty then', async () => {
    const ends: [path: string, code: number, isStreaming: boolean][] = [];
    const rig = await startRig({
      handlers: answering, onCallEnded: (call, code) => ends.push([call.path, code, call.isStreaming]),
    });
    for (const kind of KINDS) await invoke(rig.client, kind);
    await rig.idle();
    rig.close();
    assert.deepEqual(ends, KINDS.map((kind) => [`/test.Calls/${kind}`, OK, kind !== 'unary']));
    assert.deepEqual([rig.registry.inFlight, rig.registry.total], [0, 4]);
  });

  test('counts a call from its first byte, and describes it', async () => {
    const { handlers, next } = holding();
    const rig = await startRig({ handlers });
    const handled = next();
    const before = performance.now();
    const outcome = invoke(rig.client, 'unary');
    const { callback } = await handled;
    const [call] = rig.registry;
    assert.ok(call !== undefined);
    assert.deepEqual([call.path, call.isStreaming, call.code, call.isOver], ['/test.Calls/unary', false, null, false]);
    assert.match(call.peer, /^127\.0\.0\.1:\d+$/);
    assert.ok(call.age > 0 && call.age <= performance.now() - before);
    assert.equal(rig.registry.inFlight, 1);
    const { peer } = call;
    callback(null, 1);
    await outcome;
    await rig.idle();
    rig.close();
    assert.deepEqual([call.code, call.isOver, call.peer], [OK, true, peer]);
  });

  const ends: Record<string, { code: number; act: (call: LooseCall, client: grpc.Call, server: grpc.Server) => void }> = {
    'cancelled by its client': { code: CANCELLED, act: (_call, client) => client.cancel() },
    'whose connection is lost': { code: CANCELLED, act: (_call, _client, server) => server.forceShutdown() },
    'whose handler throws': { code: INTERNAL, act: (call) => call.emit('error', new Error('thrown')) },
    'whose handler answers with an error': { code: NOT_FOUND, act: (call) => call.emit('error', { code: NOT_FOUND, details: '' }) },
  };
  for (const [what, { code, act }] of Object.entries(ends)) {
    for (const kind of KINDS) {
      test(`knows how a ${kind} call ${what} ended`, async () => {
        const { handlers, next } = holding();
        const codes: number[] = [];
        const rig = await startRig({ handlers, onCallEnded: (_call, ended) => codes.push(ended) });
        let client: grpc.Call | undefined;
        const handled = next();
        void invoke(rig.client, kind, { end: kind !== 'bidi', onCall: (call) => (client = call) });
        const { call } = await handled;
        assert.ok(client !== undefined);
        act(call, client, rig.server);
        await rig.idle();
        rig.close();
        assert.deepEqual(codes, [code]);
      });
    }
  }

  for (const kind of KINDS) {
    test(`knows that a ${kind} call is past its deadline when its client leaves that to the server`, async () => {
      const codes: number[] = [];
      const rig = await startRig({ handlers: holding().handlers, onCallEnded: (_call, ended) => codes.push(ended) });
      const session = http2.connect(`http://${rig.address}`);
      const stream = session.request({
        ':method': 'POST', ':path': `/test.Calls/${kind}`, 'content-type': 'application/grpc', te: 'trailers', 'grpc-timeout': '50m',
      });
      stream.end(Buffer.from([0, 0, 0, 0, 1, 0x31]));
      const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      await rig.idle();
      session.close();
      rig.close();
      assert.deepEqual([headers['grpc-status'], codes], [String(DEADLINE_EXCEEDED), [DEADLINE_EXCEEDED]]);
    });
  }

  test('takes a cancellation in the last tenth of a call for its deadline, which both ends time', async (t) => {
    for (const [early, code] of [[3, DEADLINE_EXCEEDED], [900, DEADLINE_EXCEEDED], [1500, CANCELLED]] as const) {
      const { handlers, next } = holding();
      const codes: number[] = [];
      const rig = await startRig({ handlers, onCallEnded: (_call, ended) => codes.push(ended) });
      let client: grpc.Call | undefined;
      const handled = next();
      const start = performance.now();
      void invoke(rig.client, 'unary', { deadline: 10_000, onCall: (call) => (client = call) });
      await handled;
      const [active] = rig.registry;
      assert.ok(active !== undefined);
      const end = Number(active.getDeadline());
      t.mock.method(performance, 'now', () => start + 10_000 - early);
      t.mock.method(Date, 'now', () => end - early);
      client?.cancel();
      await rig.idle();
      t.mock.restoreAll();
      rig.close();
      assert.deepEqual(codes, [code]);
    }
  });

  const own: [what: string, code: number, kind: Kind, send: unknown[]][] = [
    ['a message that cannot be decoded', INTERNAL, 'unary', ['undecodable']],
    ['a message that is too large', RESOURCE_EXHAUSTED, 'unary', ['x'.repeat(3000)]],
    ['an answer that is too large', RESOURCE_EXHAUSTED, 'serverStream', ['x'.repeat(1500)]],
  ];
  for (const [what, code, kind, send] of own) {
    test(`knows what grpc-js itself says to ${what}`, async () => {
      const codes: number[] = [];
      const rig = await startRig({
        handlers: { ...answering, serverStream: (call) => { call.write([call.request, call.request]); } },
        serverOptions: { 'grpc.max_receive_message_length': 2000, 'grpc.max_send_message_length': 2000 },
        onCallEnded: (_call, ended) => codes.push(ended),
      });
      const outcome = what.includes('decoded')
        ? await undecodable(rig.client)
        : (await invoke(rig.client, kind, { send })).code;
      await rig.idle();
      rig.close();
      assert.deepEqual([outcome, codes], [code, [code]]);
      assert.deepEqual(rig.faults.map(({ error }) => error), kind === 'serverStream' ? ['A message was larger than maxSendMessageLength.'] : []);
    });
  }

  test('ends a call from outside: the messages so far arrive, then the status, and the handler may go on in vain', async () => {
    const { handlers, next } = holding();
    const rig = await startRig({ handlers });
    const handled = next();
    const outcome = invoke(rig.client, 'bidi', { end: false });
    const { call } = await handled;
    call.write('first');
    const cancelled = new Promise((resolve) => call.on('cancelled', resolve));
    const [active] = rig.registry;
    const answer = { code: UNAVAILABLE, details: 'the worker is leaving', metadata: null };
    assert.equal(active?.end(answer), true);
    assert.equal(active.end(answer), false);
    call.write('second');
    await cancelled;
    call.write('third');
    call.end();
    const { code, details, messages } = await outcome;
    await rig.idle();
    await immediate();
    rig.close();
    assert.deepEqual([code, details, messages, rig.faults], [UNAVAILABLE, 'the worker is leaving', ['first'], []]);
  });

  test('ends the calls of one path and leaves the others', async () => {
    const { handlers, next } = holding();
    const rig = await startRig({ handlers });
    const handled = [next(), next()] as const;
    const stream = invoke(rig.client, 'serverStream');
    await handled[0];
    const unary = invoke(rig.client, 'unary');
    const { callback } = await handled[1];
    for (const call of rig.registry) {
      if (call.path === '/test.Calls/serverStream') call.end({ code: UNAVAILABLE, details: '', metadata: null });
    }
    assert.equal((await stream).code, UNAVAILABLE);
    callback(null, 1);
    assert.equal((await unary).code, OK);
    rig.close();
  });

  for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]]) {
    test(`lists the calls in flight, also when they end in the order ${order.join()}`, async () => {
      const { handlers, next } = holding();
      const rig = await startRig({ handlers });
      const open = new Map<string, LooseCall>();
      for (const kind of KINDS) {
        const handled = next();
        void invoke(rig.client, kind);
        open.set(`/test.Calls/${kind}`, (await handled).call);
      }
      for (const index of order) {
        const path = `/test.Calls/${KINDS[index]}`;
        const call = open.get(path);
        open.delete(path);
        const ended = new Promise((resolve) => call?.on('cancelled', resolve));
        call?.emit('error', { code: NOT_FOUND, details: '' });
        await ended;
        await immediate();
        assert.deepEqual([...rig.registry].map((active) => active.path).sort(), [...open.keys()].sort());
      }
      rig.close();
    });
  }

  test('sees the end of a call that an interceptor never starts', async () => {
    const silent: grpc.ServerInterceptor = (_method, call) => new grpc.ServerInterceptingCall(call, { start: () => undefined });
    const codes: number[] = [];
    const rig = await startRig({ handlers: answering, parts: () => ({ user: [silent] }), onCallEnded: (_call, code) => codes.push(code) });
    const outcome = await invoke(rig.client, 'unary', { deadline: 300 });
    await rig.idle();
    rig.close();
    assert.equal(outcome.code, DEADLINE_EXCEEDED);
    assert.equal(codes.length, 1);
  });

  test('tells an interceptor that starts a call too late of its end', async () => {
    const ended = deferred();
    const rig = await startRig({
      handlers: answering,
      parts: (registry) => ({
        user: [(_method, call) => new grpc.ServerInterceptingCall(call, {
          start(next) {
            const startWhenOver = (): void => {
              if (registry.inFlight === 0) next({ onCancel: () => ended.resolve() });
              else setTimeout(startWhenOver, 5);
            };
            startWhenOver();
          },
        })],
      }),
    });
    await invoke(rig.client, 'unary', { deadline: 300 });
    await ended.promise;
    rig.close();
  });

  test('keeps nothing of a call for a promise that outlives it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const cache: Promise<unknown>[] = [];
    const rig = await startRig({
      handlers: {
        unary: (_call, callback) => {
          cache.push(new Promise(() => undefined));
          callback(null, 1);
        },
      },
      onCallEnded: (call) => calls.push(new WeakRef(call)),
    });
    const calls: WeakRef<object>[] = [];
    for (let i = 0; i < 20; i += 1) await invoke(rig.client, 'unary');
    await rig.idle();
    await immediate();
    collect();
    rig.close();
    const kept = calls.filter((call) => call.deref() !== undefined).length;
    // node:http2 may still hold the newest ones.
    assert.ok(calls.length === 20 && kept < 5, `${kept} of ${cache.length} calls are still there`);
  });

  test('counts a call that its client reset at once', async () => {
    const ended = deferred<number>();
    const rig = await startRig({ handlers: holding().handlers, onCallEnded: (_call, code) => ended.resolve(code) });
    const session = http2.connect(`http://${rig.address}`);
    await once(session, 'remoteSettings');
    const stream = session.request({
      ':method': 'POST', ':path': '/test.Calls/bidi', 'content-type': 'application/grpc', te: 'trailers',
    });
    stream.close(http2.constants.NGHTTP2_CANCEL);
    assert.equal(await ended.promise, CANCELLED);
    assert.deepEqual([rig.registry.inFlight, rig.registry.total], [0, 1]);
    session.close();
    rig.close();
  });

  test('counts a call whose connection is lost before it has begun', async () => {
    const codes: number[] = [];
    const rig = await startRig({
      handlers: answering,
      parts: (registry) => ({
        accounting: (method, wire) => {
          rig.server.forceShutdown();
          return registry.accounting(method, wire);
        },
      }),
      onCallEnded: (_call, code) => codes.push(code),
    });
    await invoke(rig.client, 'bidi');
    assert.deepEqual([rig.registry.inFlight, rig.registry.total, codes], [0, 1, [CANCELLED]]);
    rig.close();
  });
});

/** Sends bytes that are no JSON. */
function undecodable(client: grpc.Client): Promise<number> {
  const { path, responseDeserialize } = SERVICE.unary;
  return new Promise((resolve) => {
    client
      .makeUnaryRequest(path, () => Buffer.from('{'), responseDeserialize, null, () => undefined)
      .on('status', ({ code }) => resolve(code));
  });
}

/** Passes bytes on, and can lose a connection. */
async function startCuttableProxy(address: string) {
  const port = Number(address.split(':')[1]);
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    const upstream = net.connect(port, '127.0.0.1');
    sockets.push(socket);
    for (const [from, to] of [[socket, upstream], [upstream, socket]] as const) {
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    /** @param where from 0 to 1: which one */
    cutOne: (where: number) => sockets.splice(Math.floor(where * sockets.length), 1)[0]?.destroy(),
    close: () => server.close(),
  };
}

/** A small generator of numbers from 0 to 1, so that a failure can be played again (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('after a thousand random calls with random ends the registry is empty and every client has its status', { timeout: 120_000 }, async () => {
  const seed = Number(process.env.SEED ?? 20_240_611);
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const misdeeds: LooseHandler[] = [
    () => { throw new Error('thrown'); },
    () => Promise.reject(new Error('rejected')),
    () => Promise.reject(Object.assign(new Error('none'), { code: NOT_FOUND })),
    (call) => call.destroy(new Error('destroyed')),
    (call) => call.destroy({ code: NOT_FOUND, details: 'none' }),
    (call) => call.emit('error', new Error('emitted')),
    () => undefined,
    async (call, callback) => { await delay(random() * 20); return answering[kindOf(call)](call, callback); },
  ];
  const kindOf = (call: LooseCall): Kind => String(call.metadata.get('kind')[0]) as Kind;
  const handler: LooseHandler = (call, callback) =>
    (random() < 0.4 ? answering[kindOf(call)] : pick(misdeeds))(call, callback);
  let ended = 0;
  const rig = await startRig({
    handlers: Object.fromEntries(KINDS.map((kind) => [kind, handler])),
    parts: () => ({ user: [(_method, call) => new grpc.ServerInterceptingCall(call)] }),
    onCallEnded: () => (ended += 1),
  });
  const proxy = await startCuttableProxy(rig.address);
  const clients = Array.from({ length: 8 }, () =>
    new grpc.Client(proxy.address, grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }));
  const one = async (): Promise<number> => {
    const kind = pick(KINDS);
    const metadata = new grpc.Metadata();
    metadata.set('kind', kind);
    const { code } = await invoke(pick(clients), kind, {
      metadata,
      send: Array.from({ length: 1 + Math.floor(random() * 4) }, () => 'x'.repeat(random() * 3000)),
      deadline: 50 + random() * 400,
      end: random() < 0.9,
      onCall(call) {
        if (random() < 0.2) setTimeout(() => call.cancel(), random() * 30);
      },
    });
    return code;
  };
  const codes: number[] = [];
  const lane = async (): Promise<void> => {
    while (rig.registry.total < 1000) codes.push(await one());
  };
  const cuts = setInterval(() => proxy.cutOne(random()), 60);
  await Promise.all(Array.from({ length: 40 }, lane));
  clearInterval(cuts);
  for (const client of clients) client.close();
  await rig.idle();
  rig.close();
  proxy.close();
  const { inFlight, total } = rig.registry;
  assert.deepEqual([inFlight, ended], [0, total], `seed ${seed}`);
  // Otherwise the test would prove nothing.
  for (const code of [OK, CANCELLED, INTERNAL, NOT_FOUND, DEADLINE_EXCEEDED, UNAVAILABLE] as number[]) assert.ok(codes.includes(code), `${grpc.status[code]} in seed ${seed}`);
});
