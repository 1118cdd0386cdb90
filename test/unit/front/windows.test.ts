// Flow control of the front: windows of streams pass, that of the connection ends here (RFC 9113 section 6.9).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERROR_CODE, FLAG, FRAME } from '#src/http2/constants.js';
import { CONNECTION_WINDOW } from '#src/front/front-limits.js';
import { block, FrontPair } from '../../support/front-pair.js';

const PIECE = Buffer.alloc(16_384, 7);

/** Opens calls and answers their headers. */
async function withCalls(count: number, settings: Parameters<typeof FrontPair.greeted>[1] = { INITIAL_WINDOW_SIZE: 2 ** 24 }): Promise<FrontPair> {
  const pair = await FrontPair.greeted({}, settings);
  for (let index = 0; index < count; index += 1) pair.client.call(2 * index + 1, '/a.B/C', { endStream: true });
  await pair.client.settle();
  for (let index = 0; index < count; index += 1) pair.answer(2 * index + 1, { ':status': '200' });
  await pair.client.settle();
  return pair;
}

const dataOf = (pair: FrontPair, id?: number): number =>
  pair.client.received.reduce((sum, frame) => sum + (frame.type === 'DATA' && (id === undefined || frame.id === id) ? frame.payload.length : 0), 0);

describe('DATA to the client', () => {
  test('stays within the connection\'s window, is cut to it, and goes on when that grows', async () => {
    await using pair = await withCalls(1);
    for (let count = 0; count < 5; count += 1) pair.data(1, PIECE);
    pair.answer(1, { 'grpc-status': '0' }, true);
    await pair.client.settle();
    assert.equal(dataOf(pair), 65_535);
    assert.equal(pair.client.received.at(-2)?.payload.length, 16_383);
    assert.equal(pair.link.credited, 65_535);
    pair.client.out.windowUpdate(0, 5);
    await pair.client.settle();
    assert.equal(dataOf(pair), 65_540);
    pair.client.out.windowUpdate(0, 100_000);
    await pair.client.next(({ flags, type }) => type === 'HEADERS' && (flags & FLAG.END_STREAM) !== 0);
    await pair.client.settle();
    assert.equal(dataOf(pair), 5 * 16_384);
    assert.equal(pair.link.credited, 5 * 16_384);
  });

  test('of several streams takes turns', async () => {
    await using pair = await withCalls(3);
    for (const id of [1, 3, 5]) for (let count = 0; count < 6; count += 1) pair.data(id, PIECE);
    await pair.client.settle();
    const before = [1, 3, 5].map((id) => dataOf(pair, id));
    pair.client.out.windowUpdate(0, 6 * 16_384);
    await pair.client.settle();
    const after = [1, 3, 5].map((id, index) => dataOf(pair, id) - (before[index] ?? 0));
    assert(Math.min(...after) >= 16_384, String(after));
  });

  test('that waits keeps to a window of its stream that has become smaller since, and others do not wait for it', async () => {
    await using pair = await withCalls(3, { INITIAL_WINDOW_SIZE: 65_535 });
    for (const id of [1, 3]) for (let count = 0; count < 3; count += 1) pair.data(id, PIECE);
    await pair.client.settle();
    assert.equal(dataOf(pair), 65_535);
    const sent = dataOf(pair, 3);
    pair.client.frame(FRAME.SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
    await pair.client.next(({ type, flags }) => type === 'SETTINGS' && (flags & FLAG.ACK) !== 0, pair.client.received.length);
    pair.client.out.windowUpdate(5, 1000);
    pair.client.out.windowUpdate(0, 1_000_000);
    await pair.client.settle();
    pair.data(5, Buffer.alloc(1000));
    await pair.client.settle();
    assert.deepEqual([dataOf(pair), dataOf(pair, 5)], [65_535 + 1000, 1000]);
    pair.client.out.windowUpdate(3, sent + 100);
    await pair.client.settle();
    assert.equal(dataOf(pair, 3), sent + 100);
    // Reset as it stalls, it is forgotten; the other goes on when the window is large again.
    pair.client.out.rstStream(3, ERROR_CODE.CANCEL);
    pair.client.frame(FRAME.SETTINGS, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0]));
    await pair.client.settle();
    assert.deepEqual([dataOf(pair, 1), dataOf(pair, 3)], [3 * 16_384, sent + 100]);
    assert.equal(pair.link.credited, 6 * 16_384 + 1000);
  });

  test('that waits does not hold up headers and trailers of other streams', async () => {
    await using pair = await withCalls(2);
    for (let count = 0; count < 5; count += 1) pair.data(1, PIECE);
    pair.answer(3, { 'grpc-status': '0' }, true);
    await pair.client.next(({ id, flags, type }) => id === 3 && type === 'HEADERS' && (flags & FLAG.END_STREAM) !== 0);
    assert(dataOf(pair) < 5 * 16_384);
  });

  test('that waits goes before the trailers of its own stream', async () => {
    await using pair = await withCalls(1);
    for (let count = 0; count < 5; count += 1) pair.data(1, PIECE);
    pair.answer(1, { 'grpc-status': '0' }, true);
    await pair.client.settle();
    assert.equal(pair.client.received.filter(({ type, id }) => type === 'HEADERS' && id === 1).length, 1);
    pair.client.out.windowUpdate(0, 1_000_000);
    await pair.client.next(({ flags, type }) => type === 'HEADERS' && (flags & FLAG.END_STREAM) !== 0);
    assert.equal(dataOf(pair), 5 * 16_384);
  });

  test('of a stream that the client resets is dropped, credited, and leaves the window to others', async () => {
    await using pair = await withCalls(2);
    for (let count = 0; count < 5; count += 1) pair.data(1, PIECE);
    await pair.client.settle();
    pair.client.out.rstStream(1, ERROR_CODE.CANCEL);
    await pair.client.settle();
    assert.equal(pair.link.credited, 65_535 + 16_385 - 0);
    pair.data(3, PIECE);
    pair.client.out.windowUpdate(0, 16_384);
    await pair.client.settle();
    assert.equal(dataOf(pair, 3), 16_384);
  });

  test('of a stream that the link resets is dropped too', async () => {
    await using pair = await withCalls(1);
    for (let count = 0; count < 5; count += 1) pair.data(1, PIECE);
    pair.owner.reset(1, ERROR_CODE.INTERNAL_ERROR);
    const { payload } = await pair.client.frameOf('RST_STREAM', 1);
    assert.equal(payload.readUInt32BE(0), ERROR_CODE.INTERNAL_ERROR);
    await pair.client.settle();
    assert.equal(pair.link.credited, 5 * 16_384);
    assert.equal(pair.connection.streams, 0);
  });

  test('is not credited while the socket is full, and flows on when it drains', async () => {
    await using pair = await withCalls(1, {});
    pair.client.out.windowUpdate(0, 2 ** 30);
    await pair.client.settle();
    pair.client.socket.pause();
    // More than the kernel takes for a client that does not read.
    let sent = 0;
    const total = 64 * 1024 * 1024;
    while (sent < total && sent - pair.link.credited < 512 * 1024) {
      for (let count = 0; count < 16; count += 1, sent += PIECE.length) pair.data(1, PIECE);
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    }
    assert(sent < total, 'credit came for bytes that nobody read');
    pair.client.socket.resume();
    pair.answer(1, { 'grpc-status': '0' }, true);
    await pair.client.next(({ flags, type }) => type === 'HEADERS' && (flags & FLAG.END_STREAM) !== 0);
    assert.equal(dataOf(pair), sent);
    assert.equal(pair.link.credited, sent);
  });
});

describe('DATA from the client', () => {
  test('is credited to the connection as the link takes it', async () => {
    await using pair = await withCalls(0);
    const { client } = pair;
    client.call(1, '/a.B/C');
    for (let count = 0; count < CONNECTION_WINDOW / 16_384 / 2 - 1; count += 1) client.data(1, PIECE);
    await client.settle();
    const from = client.received.length;
    pair.owner.took(CONNECTION_WINDOW / 2 - 1);
    await client.settle();
    assert.equal(client.received.slice(from).some(({ type }) => type === 'WINDOW_UPDATE'), false);
    pair.owner.took(1);
    const { payload } = await client.frameOf('WINDOW_UPDATE', 0, from);
    assert.equal(payload.readUInt32BE(0), CONNECTION_WINDOW / 2);
  });

  test('above the connection\'s window ends it', async () => {
    await using pair = await withCalls(0);
    const { client } = pair;
    client.call(1, '/a.B/C');
    for (let count = 0; count <= CONNECTION_WINDOW / 16_384; count += 1) client.data(1, PIECE);
    client.flush();
    assert.equal((await client.goaway()).code, ERROR_CODE.FLOW_CONTROL_ERROR);
  });

  test('for a stream that is over is dropped and credited', async () => {
    await using pair = await withCalls(0);
    const { client } = pair;
    client.call(1, '/a.B/C');
    await client.settle();
    pair.owner.reset(1, ERROR_CODE.CANCEL);
    const from = client.received.length;
    for (let count = 0; count <= CONNECTION_WINDOW / 16_384 / 2; count += 1) client.data(1, PIECE);
    await client.frameOf('WINDOW_UPDATE', 0, from);
    assert.equal(pair.link.bytes.get(1), undefined);
  });

  test('is allowed on a stream as its link says', async () => {
    await using pair = await withCalls(0);
    pair.client.call(1, '/a.B/C');
    await pair.client.settle();
    pair.owner.windowUpdate(1, 12_345);
    const { payload } = await pair.client.frameOf('WINDOW_UPDATE', 1);
    assert.equal(payload.readUInt32BE(0), 12_345);
  });
});

describe('SETTINGS of the client', () => {
  const initialWindow = (value: number): Buffer => {
    const payload = Buffer.alloc(6);
    payload.writeUInt16BE(4);
    payload.writeUInt32BE(value, 2);
    return payload;
  };

  test('a larger window is acknowledged first, and then the link hears of it', async () => {
    await using pair = await FrontPair.greeted();
    pair.link.held = [];
    const from = pair.client.received.length;
    pair.client.frame(FRAME.SETTINGS, 0, 0, initialWindow(100_000));
    await pair.client.next(({ type, flags }) => type === 'SETTINGS' && (flags & FLAG.ACK) !== 0, from);
    assert.deepEqual(pair.link.heard, ['settings 100000']);
  });

  test('a smaller window is acknowledged when the link has applied it', async () => {
    await using pair = await FrontPair.greeted();
    pair.link.held = [];
    const from = pair.client.received.length;
    pair.client.frame(FRAME.SETTINGS, 0, 0, initialWindow(1000));
    await pair.client.settle();
    assert.deepEqual(pair.link.heard, ['settings 1000']);
    const isAck = ({ type, flags }: { type: string; flags: number }): boolean => type === 'SETTINGS' && (flags & FLAG.ACK) !== 0;
    assert.equal(pair.client.received.slice(from).some(isAck), false);
    pair.link.held[0]?.();
    await pair.client.next(isAck, from);
  });

  test('a larger window is not acknowledged before a smaller one that came earlier: the client counts', async () => {
    await using pair = await FrontPair.greeted();
    pair.link.held = [];
    const acks = (): number => pair.client.received.filter(({ type, flags }) => type === 'SETTINGS' && (flags & FLAG.ACK) !== 0).length;
    const before = acks();
    for (const window of [0, 100, 100]) pair.client.frame(FRAME.SETTINGS, 0, 0, initialWindow(window));
    await pair.client.settle();
    assert.deepEqual([pair.link.heard, acks()], [['settings 0', 'settings 100', 'settings 100'], before]);
    for (const applied of pair.link.held) applied();
    await pair.client.settle();
    assert.equal(acks(), before + 3);
    pair.client.frame(FRAME.SETTINGS, 0, 0, initialWindow(200));
    await pair.client.settle();
    assert.equal(acks(), before + 4);
  });

  test('all others stop here', async () => {
    await using pair = await FrontPair.greeted({}, { HEADER_TABLE_SIZE: 0, ENABLE_PUSH: 0, MAX_CONCURRENT_STREAMS: 7, MAX_FRAME_SIZE: 20_000, MAX_HEADER_LIST_SIZE: 9 });
    await pair.client.settle();
    assert.deepEqual(pair.link.heard, []);
  });

  test('a block above 16384 bytes is sent in pieces', async () => {
    await using pair = await FrontPair.greeted();
    const { client } = pair;
    client.call(1, '/a.B/C', { endStream: true });
    await client.settle();
    const bytes = block({ ':status': '200', x: 'y'.repeat(40_000) });
    pair.owner.headers(1, bytes, 0, bytes.length, true);
    await client.next(({ type, flags }) => type === 'CONTINUATION' && (flags & FLAG.END_HEADERS) !== 0);
    const pieces = client.received.filter(({ id }) => id === 1);
    assert.deepEqual(pieces.map(({ type, flags }) => [type, flags]), [['HEADERS', FLAG.END_STREAM], ['CONTINUATION', 0], ['CONTINUATION', FLAG.END_HEADERS]]);
    assert.equal(client.decode(Buffer.concat(pieces.map(({ payload }) => payload)))[1]?.[1].length, 40_000);
  });
});
