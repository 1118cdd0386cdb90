import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, sensitiveHeaders, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { FLAG, FRAME, PREFACE, SETTING } from '#src/http2/constants.js';
import { FrameBuffer } from '#src/http2/frame-buffer.js';
import { FrameReader } from '#src/http2/frame-reader.js';
import { Decoder } from '#src/http2/hpack/decoder.js';
import { skipZeroSizeUpdate, walkFields } from '#src/http2/hpack/walk.js';
import { duplexPair } from '#src/worker/transport/duplex-pair.js';
import { decodeFields, randomFields, tableOf, writeBlock, type Field } from '../../support/header-fields.js';
import { randomFrom } from '../../support/random.js';

const REQUESTS = 300;
const ANSWER = writeBlock([[':status', '200']]);
const PSEUDO: readonly Field[] = [[':method', 'POST'], [':scheme', 'http'], [':authority', 'test'], [':path', '/a.B/C']];

/** What a client of node:http2 sends to the other end of `far`; each block is answered with END_STREAM. */
class Listener {
  readonly blocks: Buffer[] = [];
  /** Blocks that came before the client had applied our settings. */
  beforeAck = Infinity;
  readonly #out = new FrameBuffer();
  readonly #far: Duplex;
  #block: Buffer[] = [];

  constructor(far: Duplex, settings: readonly (readonly [number, number])[]) {
    this.#far = far;
    const reader = new FrameReader((type, flags, id, buffer, start, end) => this.#frame(type, flags, id, buffer.subarray(start, end)));
    let skip = PREFACE.length;
    far.on('data', (chunk: Buffer) => {
      reader.push(chunk.subarray(skip));
      skip = Math.max(0, skip - chunk.length);
      this.#flush();
    });
    this.#out.settings(settings);
    this.#flush();
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === FRAME.SETTINGS) {
      if ((flags & FLAG.ACK) === 0) this.#out.settingsAck();
      else this.beforeAck = this.blocks.length;
    }
    if (type !== FRAME.HEADERS && type !== FRAME.CONTINUATION) return;
    // What node's client adds to HEADERS is a priority, nothing more.
    this.#block.push(Buffer.from(payload.subarray((flags & FLAG.PRIORITY) === 0 || type !== FRAME.HEADERS ? 0 : 5)));
    if ((flags & FLAG.END_HEADERS) === 0) return;
    this.blocks.push(Buffer.concat(this.#block));
    this.#block = [];
    this.#out.headers(id, ANSWER, 0, ANSWER.length, true);
  }

  #flush(): void {
    for (const part of this.#out.take()) this.#far.write(part);
  }
}

async function request(session: ClientHttp2Session, fields: readonly Field[]): Promise<void> {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of [...PSEUDO, ...fields]) headers[name] = value;
  const secret = fields.filter(([, , neverIndexed]) => neverIndexed).map(([name]) => name);
  const stream = session.request({ ...headers, [sensitiveHeaders]: secret }, { endStream: true });
  await once(stream.resume(), 'close');
}

/** Each name once, for node joins what has the same name. */
function distinct(fields: readonly Field[]): Field[] {
  const seen = new Map(fields.map((field) => [field[0], field]));
  // node drops the empty value of some, and lets a cookie be indexed or not as it likes.
  return [...seen.values()].filter(([name, value]) => name !== 'set-cookie' && value !== '');
}

function fieldsOfRequests(seed: number): Field[][] {
  const random = randomFrom(seed);
  return Array.from({ length: REQUESTS }, (_, index) => [
    ...distinct(randomFields(random)),
    // One that takes CONTINUATIONs.
    ...(index === 20 ? [['x-large', 'ab'.repeat(14_000)] as const] : []),
  ]);
}

for (const tableSize of [4096, 256, 65_536]) {
  test(`decodes what nghttp2 encodes with a table of ${tableSize} bytes`, async () => {
    const [near, far] = duplexPair();
    const session = connect('http://test', { createConnection: () => near });
    const listener = new Listener(far, [[SETTING.HEADER_TABLE_SIZE, tableSize]]);
    const requests = fieldsOfRequests(tableSize);
    for (const fields of requests) await request(session, fields);
    session.destroy();

    const decoder = new Decoder(Math.max(4096, tableSize));
    let indexed = 0;
    listener.blocks.forEach((block, index) => {
      const decoded = decodeFields(decoder, block).filter(([name]) => !name.startsWith(':'));
      assert.deepEqual(decoded, (requests[index] ?? []).map(([name, value, neverIndexed = false]) => [name, value, neverIndexed]));
      if (tableOf(decoder).length > 0) indexed += 1;
    });
    assert.equal(listener.blocks.length, REQUESTS);
    assert.ok(indexed > REQUESTS / 2, 'it uses its table');
  });
}

test('a client that was asked for no table says so once, and its later blocks mean the same everywhere', async () => {
  const [near, far] = duplexPair();
  const session = connect('http://test', { createConnection: () => near });
  const listener = new Listener(far, [[SETTING.HEADER_TABLE_SIZE, 0]]);
  await once(session, 'remoteSettings');
  const requests = fieldsOfRequests(5).slice(0, 100);
  for (const fields of requests) await request(session, fields);
  session.destroy();

  const blocks = listener.blocks.slice(listener.beforeAck);
  assert.ok(blocks.length > 90);
  const [first = Buffer.alloc(0)] = blocks;
  assert.equal(skipZeroSizeUpdate(first, 0, first.length), 1);
  blocks.forEach((block, index) => {
    let count = 0;
    walkFields(block, index === 0 ? 1 : 0, block.length, () => {
      count += 1;
    });
    assert.equal(count, decodeFields(new Decoder(0), block).length);
  });
});

test('nghttp2 accepts the blocks and frames that are written here, and reads the same from them', async () => {
  const server = createServer({ settings: { maxHeaderListSize: 2 ** 20 } }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const received = new Map<number, { headers: IncomingHttpHeaders; secret: readonly string[]; body: Promise<Buffer> }>();
  server.on('sessionError', (error) => assert.fail(error));
  server.on('stream', (stream, headers) => {
    const body = stream.toArray().then((chunks: Buffer[]) => Buffer.concat(chunks));
    // A list that node sets; its types know it only of requests.
    const secret = (headers as Record<symbol, string[] | undefined>)[sensitiveHeaders] ?? [];
    received.set(stream.id ?? 0, { headers, secret, body });
    stream.respond({ ':status': 200 }, { endStream: true });
  });
  const random = randomFrom(8);
  const requests = Array.from({ length: REQUESTS }, (_, index) => ({
    fields: [...distinct(randomFields(random)), ...(index === 7 ? [['x-large', 'ab'.repeat(25_000)] as const] : [])],
    body: Buffer.alloc(Math.floor(random() * 200), index),
  }));
  const out = new FrameBuffer();
  out.preface();
  out.settings([[SETTING.INITIAL_WINDOW_SIZE, 2 ** 20]]);
  requests.forEach(({ fields, body }, index) => {
    const block = writeBlock([...PSEUDO, ...fields]);
    out.headers(index * 2 + 1, block, 0, block.length, false);
    out.data(index * 2 + 1, body, 0, body.length, true);
    out.ping(Buffer.from('12345678'), false);
  });
  const socket = connectSocket((server.address() as AddressInfo).port, '127.0.0.1'); // It listens on TCP.
  const waiting = new Promise<void>((resolve, reject) => {
    let ended = 0;
    const reader = new FrameReader((type, flags, id) => {
      if (type === FRAME.GOAWAY || type === FRAME.RST_STREAM) reject(new Error(`frame of type ${type} on stream ${id}`));
      if (id !== 0 && (flags & FLAG.END_STREAM) !== 0) ended += 1;
      if (ended === REQUESTS) resolve();
    });
    socket.on('data', (chunk: Buffer) => reader.push(chunk)).on('error', reject).on('close', () => reject(new Error('closed')));
  });
  for (const part of out.take()) socket.write(part);
  await waiting;
  for (const [index, { fields, body }] of requests.entries()) {
    const stream = received.get(index * 2 + 1);
    assert.ok(stream);
    for (const [name, value, neverIndexed] of fields) {
      assert.equal(stream.headers[name], value, name);
      assert.equal(stream.secret.includes(name), neverIndexed === true, `${name} is never indexed`);
    }
    assert.deepEqual(await stream.body, body);
  }
  socket.destroy();
  server.close();
});

test('nghttp2 takes a size update to 0 in front of our first block, as it demands after announcing no table', async () => {
  const [near, far] = duplexPair();
  const session = connect('http://test', { createConnection: () => near, settings: { headerTableSize: 0 } });
  const out = new FrameBuffer();
  out.settings([]);
  out.settingsAck();
  const reader = new FrameReader((type, _flags, id) => {
    if (type !== FRAME.HEADERS) return;
    const block = Buffer.concat([Buffer.from([0x20]), writeBlock([[':status', '200'], ['x-a', 'b']])]);
    out.headers(id, block, 0, block.length, true);
    for (const part of out.take()) far.write(part);
  });
  let skip = PREFACE.length;
  far.on('data', (chunk: Buffer) => {
    reader.push(chunk.subarray(skip));
    skip = Math.max(0, skip - chunk.length);
  });
  for (const part of out.take()) far.write(part);
  const stream = session.request({ ':path': '/' }, { endStream: true });
  const [headers] = await once(stream, 'response') as [IncomingHttpHeaders];
  assert.equal(headers['x-a'], 'b');
  session.destroy();
});
