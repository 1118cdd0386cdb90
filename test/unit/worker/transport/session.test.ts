import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { ERROR_CODE, MAX_FRAME } from '#src/http2/constants.js';
import { AnswerEncoder } from '#src/worker/transport/lean/answer-headers.js';
import type { LeanStream } from '#src/worker/transport/lean/lean-stream.js';
import { RequestReader } from '#src/worker/transport/lean/request-headers.js';
import { Session } from '#src/worker/transport/lean/session.js';
import { KINDS, type Kind, type LooseCall, type LooseHandler } from '../../../support/call-rig.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { PEER, startLeanRig } from '../../../support/lean-rig.js';
import { frame, LinkClient, requestFields, type LinkCall } from '../../../support/link-client.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const FIELDS = requestFields('/test.Calls/bidi');

/** The runner of the tests would take it for a failure. */
function nextUncaught(): Promise<Error> {
  return new Promise((resolve) => {
    process.setUncaughtExceptionCaptureCallback((error) => {
      process.setUncaughtExceptionCaptureCallback(null);
      resolve(error);
    });
  });
}

/** A session whose streams come to the test instead of grpc-js. */
function openStreams(): { client: LinkClient; session: Session; streams: LeanStream[] } {
  const client = new LinkClient({ givesCredit: false, givesWindows: false });
  const streams: LeanStream[] = [];
  const session = new Session({
    owner: client, peer: PEER, open: (stream) => streams.push(stream), requests: new RequestReader(16_384), answers: new AnswerEncoder(),
    clock: new FakeClock(), onLimit: () => undefined,
  });
  client.link = session;
  return { client, session, streams };
}

function openStream(): { client: LinkClient; session: Session; call: LinkCall; stream: LeanStream; events: string[] } {
  const { client, session, streams } = openStreams();
  const call = client.begin(FIELDS);
  const [stream] = streams;
  assert.ok(stream !== undefined);
  const events: string[] = [];
  stream.on('data', (piece) => events.push(String(piece)));
  stream.on('end', () => events.push('end'));
  stream.once('wantTrailers', () => events.push('wantTrailers'));
  stream.once('close', () => events.push(`close ${String(stream.closed && stream.destroyed)}`));
  return { client, session, call, stream, events };
}

describe('the stream that grpc-js gets', () => {
  test('begins paused; the end comes behind the last data, and never while it is paused', () => {
    const { call, stream, events } = openStream();
    call.send(Buffer.from('a'));
    call.send(Buffer.from('b'));
    assert.deepEqual(events, []);
    stream.resume();
    assert.deepEqual(events, ['a', 'b']);
    stream.pause();
    call.send(Buffer.from('c'), true);
    assert.deepEqual(events, ['a', 'b']);
    stream.resume();
    stream.resume();
    assert.deepEqual(events, ['a', 'b', 'c', 'end']);
  });

  test('may be paused by whoever hears its data', () => {
    const { call, stream, events } = openStream();
    stream.on('data', () => stream.pause());
    call.send(Buffer.alloc(2000, 'a'));
    call.send(Buffer.alloc(2000, 'b'), true);
    stream.resume();
    assert.equal(events.length, 1);
    stream.resume();
    assert.equal(events.length, 2);
    stream.resume();
    assert.equal(events[2], 'end');
  });

  test('keeps thousands of tiny pieces that wait in a few buffers, in order', () => {
    const { call, stream } = openStream();
    const sent = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251));
    call.sendCut(sent, 1);
    const pieces: Buffer[] = [];
    stream.on('data', (piece) => pieces.push(piece as Buffer));
    stream.resume();
    assert.deepEqual(Buffer.concat(pieces), sent);
    assert.ok(pieces.length < 20, `${pieces.length} pieces`);
  });

  test('a small piece does not keep the chunk that it came in', () => {
    const { client, call, stream } = openStream();
    const pieces: Buffer[] = [];
    stream.on('data', (piece) => pieces.push(piece as Buffer));
    const chunk = Buffer.alloc(65_536);
    client.link.data(call.id, chunk, 100, 112, false);
    stream.resume();
    client.link.data(call.id, chunk, 200, 212, false);
    client.link.data(call.id, chunk, 0, MAX_FRAME, false);
    const kept = pieces.map(({ buffer }) => buffer === chunk.buffer);
    assert.deepEqual(kept, [false, false, true]);
  });

  for (const [name, end] of Object.entries({
    'reset by the client': ({ call }: ReturnType<typeof openStream>) => call.cancel(),
    'reset by the handler': ({ stream }: ReturnType<typeof openStream>) => stream.close(ERROR_CODE.CANCEL),
    destroyed: ({ stream }: ReturnType<typeof openStream>) => stream.destroy(new Error('broken')),
    'on a link that died': ({ session }: ReturnType<typeof openStream>) => session.close(),
    'with its trailers': ({ stream }: ReturnType<typeof openStream>) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.sendTrailers({ 'grpc-status': 0 });
    },
  })) {
    test(`${name}: is closed at once, says so once and later, and takes everything without a word from then on`, async () => {
      const opened = openStream();
      const { client, call, stream, events, session } = opened;
      stream.resume();
      end(opened);
      assert.ok(stream.closed && stream.destroyed);
      assert.deepEqual(events, []);
      const log = client.log.length;
      let called = 0;
      stream.respond({ ':status': 200 }, { endStream: true });
      stream.write(Buffer.from('a'), () => (called += 1));
      stream.end();
      stream.sendTrailers({});
      stream.close(ERROR_CODE.CANCEL);
      stream.destroy();
      stream.pause();
      stream.resume();
      call.isOver = true;
      call.send(Buffer.from('late'), true);
      call.grant(10);
      session.reset(call.id, ERROR_CODE.CANCEL);
      await turn();
      assert.equal(called, 1);
      assert.deepEqual(events, ['close true']);
      assert.equal(client.log.length, log, 'nothing is sent');
      assert.equal(session.size, 0);
    });
  }

  test('asks for trailers when the last DATA has left, and sends them in order', () => {
    const { client, call, stream, events } = openStream();
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.write(Buffer.alloc(70_000));
    stream.end();
    assert.deepEqual(events, []);
    call.grant(70_000 - 65_535);
    assert.deepEqual(events, ['wantTrailers']);
    stream.sendTrailers({ 'grpc-status': 0 });
    assert.equal(client.log.at(-1), `${call.id} HEADERS end`);
  });

  test('is asked for its trailers once, also when the last write ends it', async () => {
    const { call, stream, events } = openStream();
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.write(Buffer.alloc(70_000), () => stream.end());
    call.grant(70_000);
    await turn();
    assert.deepEqual(events, ['wantTrailers']);
  });

  test('writes that follow each other from their callbacks do not pile up, alone or in line with others', async () => {
    const { client, streams } = openStreams();
    await client.set(2 ** 30);
    const calls = [client.begin(FIELDS), client.begin(FIELDS)];
    let left = 200_000;
    const next = (stream: LeanStream): void => {
      left -= 1;
      if (left > 0) stream.write(Buffer.alloc(10), () => next(stream));
      else for (const each of streams) each.end();
    };
    for (const stream of streams) {
      stream.respond({ ':status': 200 });
      stream.write(Buffer.alloc(300_000), () => next(stream));
    }
    while (calls.some(({ isOver }) => !isOver)) {
      client.giveCredit();
      await turn();
    }
    assert.ok(left <= 0);
  });

  test('without trailers, ends with an empty DATA frame', () => {
    const { client, stream } = openStream();
    stream.respond({ ':status': 200 });
    stream.end();
    assert.deepEqual(client.log, ['1 HEADERS', '1 DATA 0 end']);
  });

  test('refuses to listen to what it never emits, so that another grpc-js fails at its first call', () => {
    const { stream } = openStream();
    assert.throws(() => stream.on('aborted', () => undefined), /does not know/);
  });

  test('what a listener throws becomes an uncaught exception, and the session goes on', async () => {
    const { client, streams } = openStreams();
    const call = client.begin(FIELDS);
    const other = client.begin(FIELDS);
    streams[0]?.on('data', () => {
      throw new Error('from a listener');
    });
    streams[0]?.resume();
    const caught = nextUncaught();
    call.send(Buffer.from('a'));
    other.send(Buffer.from('b'));
    const error = await caught;
    assert.equal(error.message, 'from a listener');
    assert.equal(client.taken, 2);
  });

  test('a write that had to wait calls back in the async context of its writer', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { call, stream } = openStream();
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    const seen = new Promise((resolve) => {
      storage.run('writer', () => stream.write(Buffer.alloc(70_000), () => resolve(storage.getStore())));
    });
    storage.run('link', () => call.grant(10_000));
    assert.equal(await seen, 'writer');
  });

  test('the end of a stream is told in nobody\'s name', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { call, stream } = openStream();
    const seen = new Promise((resolve) => stream.on('close', () => resolve(storage.getStore())));
    storage.run('another call', () => call.cancel());
    assert.equal(await seen, undefined);
  });
});

describe('a session', () => {
  test('drops headers of a stream that has ended, and credits its data', async () => {
    const { client } = startLeanRig({ handlers: { unary: (call, callback) => callback(null, call.request) } });
    const call = await client.call('/test.Calls/unary', ['a']).ended;
    const log = client.log.length;
    call.sendTrailers([['a', 'b']]);
    call.send(Buffer.alloc(10), true);
    call.sendTrailers([['A', 'b']], false);
    await turn();
    assert.equal(client.log.length, log);
    assert.equal(client.taken, 6 + 10);
  });

  test('whose link dies tells every handler, calls nobody any more, and forgets its streams', async () => {
    const ended: string[] = [];
    const note = (kind: Kind): LooseHandler => (call) => call.on('cancelled', () => ended.push(kind));
    const { client, session } = startLeanRig({
      givesWindows: false,
      handlers: {
        unary: note('unary'), clientStream: note('clientStream'),
        serverStream(call) {
          call.on('cancelled', () => ended.push('serverStream'));
          call.write(Buffer.alloc(200_000));
        },
        bidi: note('bidi'),
      },
    });
    for (const kind of KINDS) client.call(`/test.Calls/${kind}`, ['a'], [['grpc-timeout', '1H']]);
    await turn();
    assert.equal(session.size, 4);
    const { log } = client;
    const before = log.length;
    const { taken } = client;
    session.close();
    assert.equal(session.size, 0);
    await turn();
    assert.deepEqual(ended.sort(), [...KINDS].sort());
    client.giveCredit(0);
    for (const call of client.calls.values()) {
      call.grant(100_000);
      call.send(Buffer.alloc(10), true);
    }
    client.call('/test.Calls/unary', ['late']);
    await turn();
    assert.equal(log.length, before);
    assert.equal(client.taken, taken);
    assert.equal(session.size, 0);
    assert.deepEqual(process.getActiveResourcesInfo().filter((name) => name === 'Timeout'), [], 'no deadline goes on');
  });

  test('an interceptor that throws resets its own stream, as an uncaught exception', async () => {
    const { client, session } = startLeanRig({
      interceptors: [() => {
        throw new Error('from an interceptor');
      }],
    });
    const caught = nextUncaught();
    const call = client.call('/test.Calls/unary', ['a']);
    const error = await caught;
    assert.equal(error.message, 'from an interceptor');
    assert.equal(call.resetCode, ERROR_CODE.INTERNAL_ERROR);
    assert.equal(session.size, 0);
  });

  test('after 10,000 random calls with random ends, nothing is left and every rule was kept', async () => {
    const random = generator(20_261_122);
    const handlers = mixedHandlers(random);
    const { client, session } = startLeanRig({ handlers });
    await client.set(3000);
    let oks = 0;
    for (let batch = 0; batch < 100; batch += 1) {
      const calls = Array.from({ length: 100 }, () => randomCall(client, random));
      await turn();
      for (const call of calls) if (!call.isOver && random() < 0.2) call.cancel();
      if (batch % 10 === 0) await client.set(1000 + Math.floor(random() * 5000));
      for (const call of calls) if (!call.isOver) finishCall(call, random);
      await Promise.all(calls.filter(({ isOver }) => !isOver).map(({ ended }) => ended));
      oks += calls.filter(({ status }) => status === grpc.status.OK).length;
      client.calls.clear();
    }
    await turn();
    await turn();
    assert.ok(oks > 3000, `${oks} calls were answered`);
    assert.deepEqual(client.violations, []);
    assert.equal(session.size, 0);
    assert.equal(client.failure, null);
    assert.equal(client.outstanding, 0);
  });
});

/** Numbers from 0 to 1, the same in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function mixedHandlers(random: () => number): Record<Kind, LooseHandler> {
  const answer = (): Buffer => Buffer.alloc(Math.floor(random() ** 4 * 20_000), 'x');
  const stream = (call: LooseCall): void => {
    call.on('data', () => call.write(answer()));
    call.on('end', () => call.end());
  };
  return {
    unary: (_call, callback) => (random() < 0.2 ? setImmediate(callback, null, answer()) : callback(null, answer())),
    clientStream(call, callback) {
      if (random() < 0.2) {
        callback({ code: grpc.status.ABORTED, details: 'early' });
        return;
      }
      call.on('data', () => undefined);
      call.on('end', () => callback(null, answer()));
    },
    serverStream(call) {
      for (let count = 0; count < 3; count += 1) call.write(answer());
      call.end();
    },
    bidi: stream,
  };
}

const unfinished = new WeakSet<LinkCall>();

function randomCall(client: LinkClient, random: () => number): LinkCall {
  const kind = KINDS[Math.floor(random() * KINDS.length)] ?? 'unary';
  const call = client.begin(requestFields(`/test.Calls/${kind}`, random() < 0.3 ? [['grpc-timeout', '1M']] : []));
  if (random() < 0.1) {
    call.cancel();
    return call;
  }
  const messages = kind === 'clientStream' || kind === 'bidi' ? 3 : 1;
  for (let count = 0; count < messages; count += 1) {
    call.sendCut(frame(Buffer.alloc(Math.floor(random() * 3000))), 1 + Math.floor(random() * 1000));
    if (random() < 0.05) {
      call.cancel();
      return call;
    }
  }
  if (random() < 0.7) call.end();
  else unfinished.add(call);
  return call;
}

function finishCall(call: LinkCall, random: () => number): void {
  if (!unfinished.has(call)) return;
  if (random() < 0.5) call.end();
  else call.cancel();
}
