// What a client may send, and what it gets when it sends anything else (RFC 9113; DESIGN's rules of the front).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERROR_CODE, FLAG, FRAME, STREAM_WINDOW } from '#src/http2/constants.js';
import { FrontPair } from '../../support/front-pair.js';
import type { RawClient } from '../../support/raw-client.js';

const EIGHT = Buffer.from('12345678');
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

test('the client is told our settings at once, a table of size 0 among them', async () => {
  await using pair = await FrontPair.open();
  const { payload } = await pair.client.frameOf('SETTINGS');
  const settings = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6) settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  assert.deepEqual([...settings], [[1, 0], [3, 100], [4, STREAM_WINDOW], [6, 16384]]);
  const { payload: window } = await pair.client.frameOf('WINDOW_UPDATE', 0);
  assert.equal(window.readUInt32BE(0), 8 * 1024 * 1024 - 65_535);
});

test('a call passes with its parts, and its answer comes back', async () => {
  await using pair = await FrontPair.greeted();
  const { client, link } = pair;
  client.call(1, '/a.B/C').data(1, EIGHT).data(1, Buffer.alloc(0), true);
  await client.settle();
  assert.deepEqual(link.heard, ['headers 1', 'data 1 8', 'data 1 0 end']);
  assert.deepEqual(link.fields.get(1)?.slice(0, 3), [[':method', 'POST'], [':scheme', 'http'], [':path', '/a.B/C']]);
  pair.answer(1, { ':status': '200' });
  pair.data(1, EIGHT);
  pair.answer(1, { 'grpc-status': '0' }, true);
  const from = client.received.length;
  await client.next(({ id, flags }) => id === 1 && (flags & FLAG.END_STREAM) !== 0);
  const [first, ...rest] = client.received.slice(from).filter(({ id }) => id === 1);
  assert.deepEqual([first, ...rest].map((frame) => frame?.type), ['HEADERS', 'DATA', 'HEADERS']);
  assert.equal(first?.payload[0], 0x20, 'the first block says that the table is empty');
  assert.notEqual(rest[1]?.payload[0], 0x20);
  assert.equal(pair.connection.streams, 0);
});

test('the first block says that the table is empty also when it is an answer of our own', async () => {
  await using pair = await FrontPair.greeted({ maxMetadataSize: 200 });
  // For the client's table: one that is for no table passes as it is.
  const large = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([0x7f, 73]), Buffer.alloc(200, 'y')]);
  pair.client.out.headers(1, large, 0, large.length, true);
  const { payload } = await pair.client.frameOf('HEADERS', 1);
  assert.equal(payload[0], 0x20);
  assert.deepEqual(pair.client.decode(payload).slice(2), [['grpc-status', '8'], ['grpc-message', 'The metadata of the call is larger than 200 bytes.']]);
  assert.deepEqual(pair.link.heard, []);
});

test('an answer before the end of the client\'s messages is followed by RST_STREAM(NO_ERROR), and late frames are swallowed', async () => {
  await using pair = await FrontPair.greeted();
  const { client, link } = pair;
  client.call(1, '/a.B/C').data(1, EIGHT);
  await client.settle();
  pair.answer(1, { ':status': '200', 'grpc-status': '7' }, true);
  const { payload } = await client.frameOf('RST_STREAM', 1);
  assert.equal(payload.readUInt32BE(0), ERROR_CODE.NO_ERROR);
  const heard = link.heard.length;
  client.data(1, EIGHT).data(1, EIGHT, true);
  client.out.windowUpdate(1, 5);
  client.out.rstStream(1, ERROR_CODE.CANCEL);
  client.call(1, '/a.B/C');
  await client.settle();
  assert.equal(link.heard.length, heard);
});

test('frames that no stream needs never reach a link', async () => {
  await using pair = await FrontPair.greeted();
  const { client, link } = pair;
  client.call(1, '/a.B/C');
  client.frame(FRAME.PRIORITY, 0, 1, Buffer.alloc(5)).frame(77, 0, 1, EIGHT).frame(77, 0, 0, EIGHT);
  await client.settle();
  assert.deepEqual(link.heard, ['headers 1']);
});

test('a header block in pieces is one block', async () => {
  await using pair = await FrontPair.greeted();
  const { client, link } = pair;
  client.call(1, '/a.B/C', { metadata: [['x', 'y'.repeat(15_000)]] });
  client.flush();
  const block = Buffer.concat([Buffer.from([0x83, 0x86, 0x44, 2]), Buffer.from('/x')]);
  client.frame(FRAME.HEADERS, FLAG.END_STREAM, 3, block.subarray(0, 2));
  client.frame(FRAME.CONTINUATION, 0, 3, block.subarray(2, 3));
  client.frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 3, block.subarray(3));
  await client.settle();
  assert.deepEqual(link.heard, ['headers 1', 'headers 3 end']);
  assert.deepEqual(link.fields.get(3), [[':method', 'POST'], [':scheme', 'http'], [':path', '/x']]);
});

test('padding and priority are taken off, and padding is credited', async () => {
  await using pair = await FrontPair.greeted();
  const { client, link } = pair;
  const block = Buffer.from([0x83, 0x86]);
  client.frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.PADDED | FLAG.PRIORITY, 1, Buffer.concat([Buffer.from([3]), Buffer.alloc(5), block, Buffer.alloc(3)]));
  client.frame(FRAME.DATA, FLAG.PADDED, 1, Buffer.concat([Buffer.from([200]), EIGHT, Buffer.alloc(200)]));
  await client.settle();
  assert.deepEqual(link.heard, ['headers 1', 'data 1 8']);
  const { payload } = await client.frameOf('WINDOW_UPDATE', 1);
  assert.equal(payload.readUInt32BE(0), 201);
});

test('streams over the limit are refused, and others go on', async () => {
  await using pair = await FrontPair.greeted({ maxConcurrentStreams: 2 });
  const { client, link } = pair;
  client.call(1, '/a.B/C').call(3, '/a.B/C', { endStream: true }).call(5, '/a.B/C');
  const { payload } = await client.frameOf('RST_STREAM', 5);
  assert.equal(payload.readUInt32BE(0), ERROR_CODE.REFUSED_STREAM);
  // Answered is not over while the client goes on; reset is.
  pair.answer(3, { ':status': '200', 'grpc-status': '0' }, true);
  client.call(7, '/a.B/C');
  await client.settle();
  assert.deepEqual(link.heard, ['headers 1', 'headers 3 end', 'headers 7']);
});

test('the client takes a call back', async () => {
  await using pair = await FrontPair.greeted();
  const { client, link } = pair;
  client.call(1, '/a.B/C');
  client.out.rstStream(1, ERROR_CODE.CANCEL);
  await client.settle();
  assert.deepEqual(link.heard, ['headers 1', 'reset 1 8']);
  pair.answer(1, { ':status': '200' }, true);
  await client.settle();
  assert.equal(client.received.some(({ type, id }) => type === 'HEADERS' && id === 1), false);
});

test('pings are answered with their own payload', async () => {
  await using pair = await FrontPair.greeted();
  pair.client.out.ping(EIGHT, false);
  const { payload } = await pair.client.next(({ type, flags }) => type === 'PING' && (flags & FLAG.ACK) !== 0 , pair.client.received.length);
  assert.deepEqual(payload, EIGHT);
});

test('a client\'s GOAWAY: its calls finish, then the connection closes', async () => {
  await using pair = await FrontPair.greeted();
  const { client } = pair;
  client.call(1, '/a.B/C', { endStream: true });
  client.out.goaway(0, 0, '');
  await client.settle();
  assert.equal(client.socket.closed, false);
  pair.answer(1, { ':status': '200', 'grpc-status': '0' }, true);
  await client.end();
  assert(client.received.some(({ type, id }) => type === 'HEADERS' && id === 1));
  assert.equal(await pair.closed, null);
});

test('an HTTP/1 client is told so in its own words', async () => {
  await using pair = await FrontPair.open({}, 'text');
  pair.client.bytes(Buffer.from('GET /health HTTP/1.1\r\nhost: x\r\n\r\n'));
  await pair.client.end();
  assert.match(pair.client.text, /HTTP\/1\.1 505 [^]*content-length: (\d+)\r\n\r\nThis port speaks gRPC/);
  const [, body = ''] = pair.client.text.split('\r\n\r\n');
  assert.equal(body.length, Number(/content-length: (\d+)/.exec(pair.client.text)?.[1]));
});

test('however the bytes are cut, they mean the same', async () => {
  await using pair = await FrontPair.greeted();
  const { client, link } = pair;
  client.call(1, '/a.B/C', { metadata: [['x', 'y'.repeat(100)]] }).message(1, Buffer.alloc(50), true).call(3, '/a.B/C').data(3, EIGHT, true);
  const bytes = Buffer.concat(client.out.take());
  for (const byte of bytes) {
    client.bytes(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await client.settle();
  assert.deepEqual(link.heard, ['headers 1', 'data 1 55 end', 'headers 3', 'data 3 8 end']);
});

test('a preface that comes byte by byte is one', async () => {
  await using pair = await FrontPair.open();
  const { client } = pair;
  client.greet();
  const bytes = Buffer.concat(client.out.take());
  for (const byte of bytes) {
    client.bytes(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await client.settle();
});

test('a reset of a call that was never begun costs the others nothing: C-core cancels so, just before it writes', async () => {
  await using pair = await FrontPair.greeted();
  const { client, link } = pair;
  client.call(1, '/a.B/C').out.rstStream(3, ERROR_CODE.CANCEL);
  client.call(5, '/a.B/C');
  await client.settle();
  assert.deepEqual(link.heard.filter((word) => !word.startsWith('settings')), ['headers 1', 'headers 5']);
});

/** Section, what is sent, and the code of the GOAWAY that ends the connection. */
const faults: readonly (readonly [string, string, (client: RawClient) => unknown, keyof typeof ERROR_CODE])[] = [
  ['4.2', 'a frame above 16384 bytes', (c) => c.frame(FRAME.DATA, 0, 1, Buffer.alloc(0), 16_385), 'FRAME_SIZE_ERROR'],
  ['4.3', 'a broken header block', (c) => c.frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])), 'COMPRESSION_ERROR'],
  ['5.1', 'DATA on a stream that is not open', (c) => c.data(1, EIGHT), 'PROTOCOL_ERROR'],
  ['5.1', 'WINDOW_UPDATE on a stream that is not open', (c) => c.frame(FRAME.WINDOW_UPDATE, 0, 1, u32(8)), 'PROTOCOL_ERROR'],
  ['5.1.1', 'an even stream', (c) => c.call(2, '/a.B/C'), 'PROTOCOL_ERROR'],
  ['6.1', 'DATA on stream 0', (c) => c.frame(FRAME.DATA, 0, 0, EIGHT), 'PROTOCOL_ERROR'],
  ['6.1', 'DATA padded beyond its end', (c) => c.call(1, '/a.B/C').frame(FRAME.DATA, FLAG.PADDED, 1, Buffer.from([9, 0, 0])), 'PROTOCOL_ERROR'],
  ['6.1', 'padded DATA without a length', (c) => c.call(1, '/a.B/C').frame(FRAME.DATA, FLAG.PADDED, 1), 'FRAME_SIZE_ERROR'],
  ['6.2', 'HEADERS on stream 0', (c) => c.frame(FRAME.HEADERS, FLAG.END_HEADERS, 0, Buffer.from([0x83])), 'PROTOCOL_ERROR'],
  ['6.2', 'HEADERS padded beyond its end', (c) => c.frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.PADDED, 1, Buffer.from([9, 0x83])), 'PROTOCOL_ERROR'],
  ['6.2', 'another frame inside a header block', (c) => c.frame(FRAME.HEADERS, 0, 1, Buffer.from([0x83])).frame(FRAME.PING, 0, 0, EIGHT), 'PROTOCOL_ERROR'],
  ['6.3', 'PRIORITY on stream 0', (c) => c.frame(FRAME.PRIORITY, 0, 0, Buffer.alloc(5)), 'PROTOCOL_ERROR'],
  ['6.4', 'RST_STREAM on stream 0', (c) => c.frame(FRAME.RST_STREAM, 0, 0, u32(8)), 'PROTOCOL_ERROR'],
  ['6.4', 'RST_STREAM of a wrong length', (c) => c.call(1, '/a.B/C').frame(FRAME.RST_STREAM, 0, 1, EIGHT), 'FRAME_SIZE_ERROR'],
  ['6.5', 'SETTINGS on a stream', (c) => c.frame(FRAME.SETTINGS, 0, 1), 'PROTOCOL_ERROR'],
  ['6.5', 'SETTINGS of a wrong length', (c) => c.frame(FRAME.SETTINGS, 0, 0, EIGHT), 'FRAME_SIZE_ERROR'],
  ['6.5', 'an acknowledgement of SETTINGS with a payload', (c) => c.frame(FRAME.SETTINGS, FLAG.ACK, 0, Buffer.alloc(6)), 'FRAME_SIZE_ERROR'],
  ['6.5.2', 'an initial window above 2^31-1', (c) => c.frame(FRAME.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), u32(2 ** 31)])), 'FLOW_CONTROL_ERROR'],
  ['6.6', 'PUSH_PROMISE', (c) => c.frame(FRAME.PUSH_PROMISE, 0, 1, EIGHT), 'PROTOCOL_ERROR'],
  ['6.7', 'PING on a stream', (c) => c.frame(FRAME.PING, 0, 1, EIGHT), 'PROTOCOL_ERROR'],
  ['6.7', 'PING of a wrong length', (c) => c.frame(FRAME.PING, 0, 0, u32(1)), 'FRAME_SIZE_ERROR'],
  ['6.8', 'GOAWAY on a stream', (c) => c.frame(FRAME.GOAWAY, 0, 1, EIGHT), 'PROTOCOL_ERROR'],
  ['6.8', 'GOAWAY of a wrong length', (c) => c.frame(FRAME.GOAWAY, 0, 0, u32(1)), 'FRAME_SIZE_ERROR'],
  ['6.9', 'WINDOW_UPDATE of 0 for the connection', (c) => c.frame(FRAME.WINDOW_UPDATE, 0, 0, u32(0)), 'PROTOCOL_ERROR'],
  ['6.9', 'WINDOW_UPDATE of a wrong length', (c) => c.frame(FRAME.WINDOW_UPDATE, 0, 0, EIGHT), 'FRAME_SIZE_ERROR'],
  ['6.9.1', 'a connection window above 2^31-1', (c) => c.frame(FRAME.WINDOW_UPDATE, 0, 0, u32(2 ** 31 - 1)), 'FLOW_CONTROL_ERROR'],
  ['6.10', 'CONTINUATION without HEADERS', (c) => c.frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 1, Buffer.from([0x83])), 'PROTOCOL_ERROR'],
  ['6.10', 'CONTINUATION of another stream', (c) => c.frame(FRAME.HEADERS, 0, 1, Buffer.from([0x83])).frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 3, Buffer.from([0x83])), 'PROTOCOL_ERROR'],
  ['10.5.1', 'a header block without end', (c) => {
    c.frame(FRAME.HEADERS, 0, 1, Buffer.from([0x83]));
    for (let count = 0; count < 40; count += 1) c.frame(FRAME.CONTINUATION, 0, 1);
  }, 'ENHANCE_YOUR_CALM'],
  ['10.5.1', 'a header block that is far too large', (c) => {
    c.frame(FRAME.HEADERS, 0, 1, Buffer.from([0x83]));
    for (let count = 0; count < 5; count += 1) c.frame(FRAME.CONTINUATION, 0, 1, Buffer.alloc(16_384));
  }, 'ENHANCE_YOUR_CALM'],
];

describe('a fault of the connection ends it', () => {
  for (const [section, what, send, code] of faults) {
    test(`${section}: ${what}: ${code}`, async () => {
      await using pair = await FrontPair.greeted();
      send(pair.client);
      const { code: seen, text } = await pair.client.goaway();
      assert.equal(seen, ERROR_CODE[code], text);
      await pair.client.end();
      assert.equal((await pair.closed)?.code, ERROR_CODE[code]);
    });
  }

  test('3.4: no preface: PROTOCOL_ERROR', async () => {
    await using pair = await FrontPair.open();
    pair.client.bytes(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3]));
    assert.equal((await pair.client.goaway()).code, ERROR_CODE.PROTOCOL_ERROR);
    await pair.client.end();
  });

  test('3.4: something else than SETTINGS after the preface: PROTOCOL_ERROR', async () => {
    await using pair = await FrontPair.open();
    pair.client.out.preface();
    pair.client.out.ping(EIGHT, false);
    pair.client.flush();
    assert.equal((await pair.client.goaway()).code, ERROR_CODE.PROTOCOL_ERROR);
  });
});

/** Section, what is sent on stream 1, and the code of the RST_STREAM that ends it alone. */
const streamFaults: readonly (readonly [string, string, (client: RawClient) => unknown, keyof typeof ERROR_CODE])[] = [
  ['5.1', 'DATA after the end', (c) => c.call(1, '/a.B/C', { endStream: true }).data(1, EIGHT), 'STREAM_CLOSED'],
  ['5.1', 'HEADERS after the end', (c) => c.call(1, '/a.B/C', { endStream: true }).call(1, '/a.B/C'), 'STREAM_CLOSED'],
  ['6.3', 'PRIORITY of a wrong length', (c) => c.call(1, '/a.B/C').frame(FRAME.PRIORITY, 0, 1, u32(1)), 'FRAME_SIZE_ERROR'],
  ['6.9', 'WINDOW_UPDATE of 0', (c) => c.call(1, '/a.B/C').frame(FRAME.WINDOW_UPDATE, 0, 1, u32(0)), 'PROTOCOL_ERROR'],
  ['8.1', 'trailers that do not end the stream', (c) => c.call(1, '/a.B/C').headers(1, [['x', 'y']]), 'PROTOCOL_ERROR'],
];

describe('a fault of a stream ends that alone', () => {
  for (const [section, what, send, code] of streamFaults) {
    test(`${section}: ${what}: ${code}`, async () => {
      await using pair = await FrontPair.greeted();
      send(pair.client);
      const { payload } = await pair.client.frameOf('RST_STREAM', 1);
      assert.equal(payload.readUInt32BE(0), ERROR_CODE[code]);
      pair.client.call(3, '/a.B/C');
      await pair.client.settle();
      assert.equal(pair.link.heard.at(-1), 'headers 3');
      assert.equal(pair.connection.streams, 1);
    });
  }
});
