import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LINK_WINDOW } from '#src/front/link.js';
import { ERROR_CODE, MAX_FRAME, MAX_WINDOW, STREAM_WINDOW } from '#src/http2/constants.js';
import { MAX_WAITING } from '#src/worker/transport/lean/outgoing.js';
import { MAX_PARKED } from '#src/front/parking.js';
import type { LooseCall } from '../../../support/call-rig.js';
import { MAY_STAY, PACE } from '#src/worker/transport/lean/unread-watch.js';
import { startLeanRig } from '../../../support/lean-rig.js';
import { frame, requestFields } from '../../../support/link-client.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const HELD = { givesCredit: false, givesWindows: false };

/** Answers a unary or server-streaming call with as many bytes as the request says. */
function sized(call: LooseCall, callback: (error: unknown, value: Buffer) => void): void {
  callback(null, Buffer.alloc(Number(String(call.request)), 'x'));
}

describe('to the client', () => {
  test('a stream sends what its window takes and no more, and its trailers after the last byte', async () => {
    const { client } = startLeanRig({ ...HELD, handlers: { unary: sized } });
    const call = client.call('/test.Calls/unary', ['100000']);
    await turn();
    assert.equal(call.bytes.length, 65_535);
    assert.equal(call.trailers, null);
    call.grant(34_469);
    await turn();
    assert.equal(call.bytes.length, 100_004);
    assert.equal(call.trailers, null, 'one byte is left');
    call.grant(1);
    await call.ended;
    assert.equal(call.bytes.length, 100_005);
    assert.equal(call.status, 0);
    assert.deepEqual(client.violations, []);
  });

  test('a frame has at most 16384 bytes', async () => {
    const { client } = startLeanRig({ ...HELD, handlers: { unary: sized } });
    client.call('/test.Calls/unary', [String(MAX_FRAME * 2 - 5)]);
    await turn();
    assert.deepEqual(client.log.filter((line) => line.includes('DATA')), [`1 DATA ${MAX_FRAME}`, `1 DATA ${MAX_FRAME}`]);
  });

  test('all streams together have at most the window of the link on their way', async () => {
    const { client } = startLeanRig({ ...HELD, handlers: { unary: sized } });
    await client.set(LINK_WINDOW);
    const calls = Array.from({ length: 3 }, () => client.call('/test.Calls/unary', ['400000']));
    await turn();
    assert.ok(client.outstanding > LINK_WINDOW - MAX_FRAME && client.outstanding <= LINK_WINDOW);
    while (calls.some(({ isOver }) => !isOver)) {
      client.giveCredit();
      await turn();
    }
    for (const call of calls) assert.equal(call.bytes.length, 400_005);
    assert.deepEqual(client.violations, []);
  });

  test('streams that wait for the link take turns, frame by frame', async () => {
    const { client } = startLeanRig({ ...HELD, handlers: { unary: sized } });
    await client.set(LINK_WINDOW * 2);
    client.call('/test.Calls/unary', [String(LINK_WINDOW - 5)]);
    await turn();
    const [first, second] = [client.call('/test.Calls/unary', ['200000']), client.call('/test.Calls/unary', ['200000'])];
    const third = client.call('/test.Calls/unary', ['5']);
    await turn();
    client.log.length = 0;
    client.giveCredit(MAX_FRAME * 6);
    assert.deepEqual(client.log.filter((line) => line.includes('DATA')).slice(0, 5), [
      `${first.id} DATA ${MAX_FRAME}`, `${second.id} DATA ${MAX_FRAME}`, `${third.id} DATA 10`,
      `${first.id} DATA ${MAX_FRAME}`, `${second.id} DATA ${MAX_FRAME}`,
    ]);
  });

  test('nobody passes those who wait for the link, however little they have', async () => {
    const { client } = startLeanRig({ ...HELD, handlers: { unary: sized } });
    await client.set(LINK_WINDOW * 2);
    client.call('/test.Calls/unary', [String(LINK_WINDOW - 105)]);
    const waiting = client.call('/test.Calls/unary', ['200']);
    const small = client.call('/test.Calls/unary', ['1']);
    await turn();
    assert.equal(client.outstanding, LINK_WINDOW - 100);
    client.log.length = 0;
    client.giveCredit();
    assert.deepEqual(client.log.filter((line) => line.includes('DATA')), [`${waiting.id} DATA 205`, `${small.id} DATA 6`]);
  });

  test('a stream whose window is used up keeps nobody waiting', async () => {
    const { client } = startLeanRig({ ...HELD, handlers: { unary: sized } });
    client.call('/test.Calls/unary', ['100000']);
    const other = client.call('/test.Calls/unary', ['10']);
    await other.ended;
    assert.equal(other.status, 0);
  });

  test('a smaller initial window holds for open streams, and may make their windows negative', async () => {
    const { client } = startLeanRig({ ...HELD, handlers: { unary: sized } });
    const call = client.call('/test.Calls/unary', ['100000']);
    await turn();
    await client.set(1000);
    assert.equal(call.window, 1000 - 65_535);
    call.grant(64_535);
    await turn();
    assert.equal(call.bytes.length, 65_535, 'the window is 0 now');
    call.grant(7);
    await turn();
    assert.equal(call.bytes.length, 65_542);
    const later = client.call('/test.Calls/unary', ['100000']);
    await turn();
    assert.equal(later.bytes.length, 1000, 'new streams begin with it');
    assert.deepEqual(client.violations, []);
  });

  test('a larger initial window lets open streams go on', async () => {
    const { client } = startLeanRig({ ...HELD, handlers: { unary: sized } });
    const call = client.call('/test.Calls/unary', ['100000']);
    await turn();
    await client.set(100_000);
    assert.equal(call.bytes.length, 100_000);
  });

  test('a client that leaves too much unread gets no further calls until it reads', async () => {
    const { client, session } = startLeanRig({ ...HELD, handlers: { unary: sized } });
    const count = 5;
    const calls = Array.from({ length: count }, () => client.call('/test.Calls/unary', [String(MAX_WAITING / (count - 1))]));
    await turn();
    const refused = await client.call('/test.Calls/unary', ['1']).ended;
    assert.equal(refused.status, 8);
    assert.equal(session.size, count);
    calls.pop()?.cancel();
    assert.equal((await client.call('/test.Calls/unary', ['1']).ended).status, 0);
    assert.deepEqual(client.violations, []);
  });

  test('calls whose client leaves too much unread for a minute are given up; others go on', async () => {
    const { client, session, clock, limited } = startLeanRig({ ...HELD, handlers: { unary: sized, bidi: () => undefined } });
    const calls = [1, 2].map(() => client.call('/test.Calls/unary', [String(MAY_STAY)]));
    const other = client.call('/test.Calls/bidi', ['1']);
    await turn();
    assert.equal(clock.pending, 1);
    clock.advance(PACE.ms);
    assert.deepEqual(calls.map(({ resetCode }) => resetCode), [ERROR_CODE.ENHANCE_YOUR_CALM, ERROR_CODE.ENHANCE_YOUR_CALM]);
    assert.equal(other.isOver, false);
    assert.equal(session.size, 1);
    assert.deepEqual(limited, ['unread-answers']);
    assert.equal(clock.pending, 0);
  });

  test('a stream whose window grows above 2^31-1 is reset, the others go on', () => {
    const { client, session } = startLeanRig({ ...HELD, handlers: { unary: () => undefined } });
    const call = client.call('/test.Calls/unary', ['1']);
    const other = client.call('/test.Calls/unary', ['1']);
    call.grant(MAX_WINDOW - 65_535);
    assert.equal(call.resetCode, null);
    call.grant(1);
    assert.equal(call.resetCode, ERROR_CODE.FLOW_CONTROL_ERROR);
    assert.equal(other.isOver, false);
    assert.equal(session.size, 1);
  });

  test('an initial window that makes one larger than 2^31-1 ends the connection', () => {
    const { client } = startLeanRig({ ...HELD, handlers: { unary: () => undefined } });
    client.call('/test.Calls/unary', ['1']).grant(1);
    client.link.settings(MAX_WINDOW, () => assert.fail('applied'));
    assert.equal(client.failure?.code, ERROR_CODE.FLOW_CONTROL_ERROR);
  });

  test('a message of 4 MiB passes a tiny window', async () => {
    const { client } = startLeanRig({ handlers: { unary: sized } });
    await client.set(1021);
    const call = await client.call('/test.Calls/unary', [String(4 * 1024 * 1024)]).ended;
    assert.equal(call.bytes.length, 4 * 1024 * 1024 + 5);
    assert.equal(call.status, 0);
    assert.deepEqual(client.violations, []);
  });

  test('the write of a stream calls back when its bytes have left, and not before', async () => {
    let written = 0;
    const { client } = startLeanRig({
      ...HELD,
      handlers: {
        serverStream(call) {
          const write = call.write.bind(call) as (message: Buffer, callback: () => void) => void;
          for (let count = 0; count < 3; count += 1) write(Buffer.alloc(40_000), () => (written += 1));
          call.end();
        },
      },
    });
    const call = client.call('/test.Calls/serverStream', ['a']);
    await turn();
    assert.equal(written, 1);
    call.grant(20_000);
    await turn();
    assert.equal(written, 2);
    call.grant(100_000);
    await call.ended;
    assert.equal(call.messages.length, 3);
  });
});

describe('from the client', () => {
  test('a handler that reads gives windows back by halves', async () => {
    const { client } = startLeanRig({ handlers: { clientStream: (call, callback) => {
      call.on('data', () => undefined);
      call.on('end', () => callback(null, Buffer.from('done')));
    } } });
    const call = client.begin(requestFields('/test.Calls/clientStream'));
    const message = frame(Buffer.alloc(MAX_FRAME - 5));
    const half = STREAM_WINDOW / 2 / MAX_FRAME;
    for (let count = 0; count < half - 1; count += 1) {
      call.send(message);
      await turn();
    }
    assert.equal(call.granted, 0);
    call.send(message);
    await turn();
    assert.equal(call.granted, STREAM_WINDOW / 2);
    assert.equal(client.taken, STREAM_WINDOW / 2);
    call.end();
    assert.equal((await call.ended).status, 0);
  });

  test('a client may fill the window, and one byte above it resets its stream alone', () => {
    const { client, session } = startLeanRig({ handlers: { clientStream: () => undefined } });
    const call = client.begin(requestFields('/test.Calls/clientStream'));
    const other = client.begin(requestFields('/test.Calls/clientStream'));
    // The handler reads two messages ahead at most; these bytes are in the middle of one.
    call.send(frame(Buffer.alloc(3)));
    call.send(frame(Buffer.alloc(3)));
    const rest = STREAM_WINDOW - call.granted - 16;
    call.sendCut(Buffer.alloc(rest), MAX_FRAME);
    assert.equal(call.resetCode, null);
    call.send(Buffer.alloc(1));
    assert.equal(call.resetCode, ERROR_CODE.FLOW_CONTROL_ERROR);
    assert.equal(other.isOver, false);
    assert.equal(session.size, 1);
    assert.equal(client.taken, STREAM_WINDOW + 1, 'the connection has all its credit back');
  });

  test('a stream that its handler does not read gets no window back', async () => {
    const { client } = startLeanRig({ handlers: { bidi: (call) => (call as unknown as { pause(): void }).pause() } });
    const call = client.begin(requestFields('/test.Calls/bidi'));
    for (let sent = 0; sent + MAX_FRAME <= STREAM_WINDOW; sent += MAX_FRAME) {
      call.send(frame(Buffer.alloc(MAX_FRAME - 5)));
      await turn();
    }
    assert.equal(call.granted, 0);
    assert.equal(client.taken, STREAM_WINDOW, 'other streams of the connection go on');
  });

  test('above the bound for parked bytes the connection gets its credit when they are read', async () => {
    let read = (): void => undefined;
    const gate = new Promise<void>((resolve) => (read = resolve));
    const { client, session } = startLeanRig({
      handlers: { bidi: (call) => void gate.then(() => {
        call.on('data', () => undefined);
        call.on('end', () => call.end());
      }) },
    });
    const streams = MAX_PARKED / STREAM_WINDOW + 2;
    const calls = Array.from({ length: streams }, () => client.begin(requestFields('/test.Calls/bidi')));
    const message = frame(Buffer.alloc(MAX_FRAME - 5));
    for (let sent = 0; sent < STREAM_WINDOW; sent += MAX_FRAME) {
      for (const call of calls) call.send(message);
      await turn();
    }
    // Some messages wait inside grpc-js, where they count as read.
    assert.ok(client.taken < streams * STREAM_WINDOW && client.taken >= MAX_PARKED);
    read();
    for (const call of calls) call.end();
    await Promise.all(calls.map(({ ended }) => ended));
    assert.equal(client.taken, streams * STREAM_WINDOW);
    assert.equal(session.size, 0);
  });

  test('parked bytes of a stream that ends are credited', async () => {
    const { client } = startLeanRig({ handlers: { bidi: () => undefined } });
    const calls = Array.from({ length: MAX_PARKED / STREAM_WINDOW + 2 }, () => client.begin(requestFields('/test.Calls/bidi')));
    await turn();
    const message = frame(Buffer.alloc(MAX_FRAME - 5));
    for (let sent = 0; sent < STREAM_WINDOW; sent += MAX_FRAME) {
      for (const call of calls) call.send(message);
      await turn();
    }
    assert.ok(client.taken < calls.length * STREAM_WINDOW);
    for (const call of calls) call.cancel();
    assert.equal(client.taken, calls.length * STREAM_WINDOW);
  });

  test('what content-length says is held against what comes (RFC 9113 section 8.1.1)', async () => {
    const { client } = startLeanRig({ handlers: { unary: (call, callback) => callback(null, call.request) } });
    const begin = (length: number) => client.begin(requestFields('/test.Calls/unary', [['content-length', String(length)]]));
    const right = begin(6);
    right.send(frame('a'), true);
    assert.equal((await right.ended).status, 0);
    const above = begin(5);
    above.send(frame('a'));
    const below = begin(7);
    below.send(frame('a'), true);
    const none = client.begin(requestFields('/test.Calls/unary', [['content-length', '1']]), true);
    for (const call of [above, below, none]) assert.equal(call.resetCode, ERROR_CODE.PROTOCOL_ERROR);
  });

  test('DATA after the end of the client\'s half resets the stream (RFC 9113 section 5.1)', () => {
    const { client } = startLeanRig({ handlers: { unary: () => undefined } });
    const call = client.call('/test.Calls/unary', ['a']);
    call.send(Buffer.from('b'));
    assert.equal(call.resetCode, ERROR_CODE.STREAM_CLOSED);
  });
});
