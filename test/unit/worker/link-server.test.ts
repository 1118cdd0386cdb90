// The worker's end of links, and whoever comes there that is no router.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { encodeProxyHeader, LOCAL_HEADER } from '#src/front/proxy-header.js';
import { ERROR_CODE, FLAG, SETTING, STREAM_WINDOW } from '#src/http2/constants.js';
import { LinkServer } from '#src/worker/link-server.js';
import type { Handlers } from '../../support/router-rig.js';
import { Deadline } from '../../support/deadline.js';
import { FakeClock } from '../../support/fake-clock.js';
import { BYTES_SERVICE, PEER } from '../../support/lean-rig.js';
import { RawClient } from '../../support/raw-client.js';
import { TempDir } from '../../support/temp-dir.js';

class Rig implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly faults: string[] = [];
  readonly links: LinkServer;
  readonly #folder = new TempDir();

  constructor(handlers: Handlers) {
    const server = new grpc.Server();
    server.addService(BYTES_SERVICE, handlers as unknown as grpc.UntypedServiceImplementation);
    this.links = new LinkServer({ server, interceptors: [], maxMetadataSize: 16_384, clock: this.clock, onFault: (reason) => this.faults.push(reason), onLimit: () => undefined });
  }

  async open(...first: Buffer[]): Promise<RawClient> {
    const path = this.#folder.join('w.sock');
    await this.links.listen(path);
    const socket = connect(path);
    await once(socket, 'connect');
    const client = new RawClient(socket);
    for (const bytes of first) client.bytes(bytes);
    return client;
  }

  /** A link of a client, greeted. */
  async link(): Promise<RawClient> {
    const client = await this.open(encodeProxyHeader(PEER, false));
    return client.greet({ INITIAL_WINDOW_SIZE: 1 << 20 });
  }

  /** Resolves when no link is left. */
  async empty(): Promise<void> {
    await new Deadline(10_000).poll(() => (this.links.connections === 0 ? true : undefined), 'the end of all links');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.links.destroyAll();
    await this.empty();
    this.#folder[Symbol.dispose]();
  }
}

const ECHO: Handlers = { unary: (given, callback) => callback(null, given.request) };

test('it says at once what its streams take, and acknowledges what it is told', async () => {
  await using rig = new Rig(ECHO);
  const client = await rig.link();
  const { payload } = await client.next(({ type, flags }) => type === 'SETTINGS' && (flags & FLAG.ACK) === 0);
  const settings = new Map(Array.from({ length: payload.length / 6 }, (_, index) => [payload.readUInt16BE(index * 6), payload.readUInt32BE(index * 6 + 2)]));
  assert.equal(settings.get(SETTING.INITIAL_WINDOW_SIZE), STREAM_WINDOW);
  await client.next(({ type, flags }) => type === 'SETTINGS' && (flags & FLAG.ACK) !== 0);
});

test('a call is answered, and counted while it lasts', async () => {
  let answer: () => void = () => undefined;
  await using rig = new Rig({ unary: (given, callback) => (answer = () => callback(null, given.request)) });
  const client = await rig.link();
  client.call(1, '/test.Calls/unary').message(1, Buffer.from('hello'), true);
  await client.settle();
  assert.equal(rig.links.calls, 1);
  answer();
  assert.equal((await client.frameOf('DATA', 1)).payload.subarray(5).toString(), 'hello');
  await client.next(({ type, flags }) => type === 'HEADERS' && (flags & FLAG.END_STREAM) !== 0);
  assert.equal(rig.links.calls, 0);
});

test('the link of the pings answers them, and has no calls', async () => {
  await using rig = new Rig(ECHO);
  const client = await rig.open(LOCAL_HEADER);
  client.greet().call(1, '/test.Calls/unary');
  await client.settle();
  assert.deepEqual([rig.links.connections, rig.links.calls], [1, 0]);
});

test('whoever does not say who the client is, is cut off in time', async () => {
  await using rig = new Rig(ECHO);
  const client = await rig.open(LOCAL_HEADER.subarray(0, 10));
  await client.frameOf('SETTINGS');
  rig.clock.advance(5000);
  assert.deepEqual(await client.goaway(), { lastId: 0, code: ERROR_CODE.INTERNAL_ERROR, text: 'no PROXY header in time' });
  await client.end();
  await rig.empty();
  assert.deepEqual(rig.faults, ['no PROXY header in time']);
});

test('whoever speaks something else is cut off, and the worker hears of it', async () => {
  await using rig = new Rig(ECHO);
  const client = await rig.open(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await client.end();
  await rig.empty();
  assert.deepEqual(rig.faults, ['a link that does not begin with a PROXY header']);
});

test('a block that refers to other blocks ends the link with COMPRESSION_ERROR', async () => {
  await using rig = new Rig(ECHO);
  const client = await rig.link();
  client.out.headers(1, Buffer.from([0x80 | 62]), 0, 1, true);
  assert.equal((await client.goaway()).code, ERROR_CODE.COMPRESSION_ERROR);
  await client.end();
  assert.deepEqual(rig.faults, []);
});

test('the end of a link cancels its calls', async () => {
  let cancelled: () => void = () => undefined;
  const isCancelled = new Promise<void>((resolve) => (cancelled = resolve));
  await using rig = new Rig({ unary: (given) => given.on('cancelled', () => cancelled()) });
  const client = await rig.link();
  client.call(1, '/test.Calls/unary').message(1, Buffer.from('hello'), true);
  await client.settle();
  client.socket.end();
  await new Deadline(10_000).wait(isCancelled, 'the news of it');
  await client.end();
});

test('bytes that are taken are told in large steps', async () => {
  const MIB = 2 ** 20;
  await using rig = new Rig({
    clientStream(stream, callback) {
      stream.on('data', () => undefined);
      stream.on('end', () => callback(null, Buffer.alloc(0)));
    },
  });
  const client = await rig.link();
  for (const id of [1, 3]) {
    client.call(id, '/test.Calls/clientStream').message(id, Buffer.alloc(0));
    const message = Buffer.alloc(16_384 - 5);
    for (let sent = 0; sent < 63; sent += 1) client.message(id, message);
    client.data(id, Buffer.alloc(0), true);
  }
  const { payload } = await client.frameOf('WINDOW_UPDATE', 0);
  assert.ok(payload.readUInt32BE(0) >= MIB);
  await client.settle();
  assert.equal(client.received.filter(({ type, id }) => type === 'WINDOW_UPDATE' && id === 0).length, 1);
});
