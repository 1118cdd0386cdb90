// Windows and back-pressure across several links.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { status, type ClientReadableStream } from '@grpc/grpc-js';
import type { LooseCall } from '../../support/call-rig.js';
import { FakeWorker, OK_HEADERS, OK_TRAILERS } from '../../support/fake-worker.js';
import { call, RouterRig, type Handlers } from '../../support/router-rig.js';

const MIB = 2 ** 20;

const SERVICE: Handlers = {
  unary: (given, callback) => callback(null, given.request),
  clientStream(stream, callback) {
    let bytes = 0;
    stream.on('data', (message) => (bytes += (message as Buffer).length));
    stream.on('end', () => callback(null, Buffer.from(String(bytes))));
  },
  serverStream(stream) {
    for (let count = 0; count < 4; count += 1) stream.write(Buffer.alloc(MIB / 2, count));
    stream.end();
  },
  bidi(stream: LooseCall) {
    stream.on('data', (message) => stream.write(message));
    stream.on('end', () => stream.end());
  },
};

test('messages of 4 MiB pass both ways, also when the client takes 100 bytes at a time', async () => {
  await using rig = await RouterRig.start({ workers: [SERVICE, SERVICE] });
  const message = Buffer.alloc(4 * MIB - 100, 'x');
  await Promise.all([rig.client(), rig.client()].map(async (client) => {
    const { code, messages } = await call(client, 'unary', [message]);
    assert.equal(code, status.OK);
    assert.equal(messages[0]?.equals(message), true);
  }));
  const tiny = await rig.rawClient({ INITIAL_WINDOW_SIZE: 100 });
  tiny.call(1, '/test.Calls/serverStream').message(1, Buffer.alloc(0), true);
  let received = 0;
  let bytes = 0;
  while (!tiny.received.some(({ type, flags }) => type === 'HEADERS' && (flags & 1) !== 0)) {
    const seen = tiny.received.length;
    await tiny.next((frame) => frame.type === 'DATA' || (frame.type === 'HEADERS' && (frame.flags & 1) !== 0), received);
    for (const frame of tiny.received.slice(received)) {
      if (frame.type !== 'DATA') continue;
      bytes += frame.payload.length;
      tiny.out.windowUpdate(0, frame.payload.length);
      // Tiny at first.
      tiny.out.windowUpdate(1, bytes < 2000 ? frame.payload.length : 16_384);
    }
    received = Math.max(seen, tiny.received.length);
  }
  assert.equal(bytes, 4 * (MIB / 2 + 5));
  assert.equal(tiny.received.filter(({ type, id }) => type === 'RST_STREAM' && id === 1).length, 0);
  tiny[Symbol.dispose]();
});

test('forty uploads of 1 MiB at once on one connection', async () => {
  await using rig = await RouterRig.start({ workers: [SERVICE, SERVICE, SERVICE] });
  const client = rig.client();
  const pieces = Array.from({ length: 16 }, () => Buffer.alloc(MIB / 16, 7));
  const answers = await Promise.all(Array.from({ length: 40 }, () => call(client, 'clientStream', pieces)));
  assert.deepEqual([...new Set(answers.map(({ code, messages }) => `${code} ${String(messages[0])}`))], [`0 ${MIB}`]);
});

test('a smaller window is acknowledged when every link has heard of it, and a link that comes later begins with it', async () => {
  await using rig = await RouterRig.start();
  using first = await FakeWorker.listen(rig.folder.join('1.sock'), 1);
  using second = await FakeWorker.listen(rig.folder.join('2.sock'), 2);
  using third = await FakeWorker.listen(rig.folder.join('3.sock'), 3);
  for (const worker of [first, second]) rig.admit(worker);
  const client = await rig.rawClient({ INITIAL_WINDOW_SIZE: 1000 });
  client.call(1, '/a.B/c').call(3, '/a.B/c');
  await client.settle();
  await rig.until(() => first.links.length + second.links.length === 2, 'both links');
  for (const worker of [first, second]) worker.acknowledges = false;
  const acks = (): number => client.received.filter(({ type, flags }) => type === 'SETTINGS' && (flags & 1) !== 0).length;
  const before = acks();
  client.out.settings([[4, 10]]);
  await client.settle();
  const told = (worker: FakeWorker): number[] => worker.links.flatMap((link) => link.framesOf('SETTINGS'))
    .filter(({ flags }) => (flags & 1) === 0).map(({ payload }) => payload.readUInt32BE(payload.length - 4));
  await rig.until(() => [first, second].every((worker) => told(worker).at(-1) === 10), 'both to hear of it');
  assert.equal(acks(), before);
  first.links[0]?.out.settingsAck();
  first.links[0]?.flush();
  await client.settle();
  assert.equal(acks(), before);
  second.links[0]?.out.settingsAck();
  second.links[0]?.flush();
  await rig.until(() => acks() === before + 1, 'the acknowledgement');
  rig.admit(third);
  client.call(5, '/a.B/c');
  await client.settle();
  await rig.until(() => third.links.length === 1 && told(third).length > 0, 'the third link');
  assert.deepEqual(told(third), [10]);
  client[Symbol.dispose]();
});

test('a link that dies before it has acknowledged a smaller window does not hold that up', async () => {
  await using rig = await RouterRig.start();
  using worker = await FakeWorker.listen(rig.folder.join('1.sock'), 1);
  rig.admit(worker);
  const client = await rig.rawClient({ INITIAL_WINDOW_SIZE: 1000 });
  client.call(1, '/a.B/c');
  await client.settle();
  await rig.until(() => worker.linkOf(1) !== undefined, 'the call');
  worker.acknowledges = false;
  const from = client.received.length;
  client.out.settings([[4, 10]]);
  await client.settle();
  worker.die();
  await client.next(({ type, flags }) => type === 'SETTINGS' && (flags & 1) !== 0, from);
  client[Symbol.dispose]();
});

test('the window shrinks in the middle of streams from several workers, and none sends more than it may', async () => {
  await using rig = await RouterRig.start({ workers: [SERVICE, SERVICE] });
  const client = await rig.rawClient({ INITIAL_WINDOW_SIZE: 200_000 });
  client.out.windowUpdate(0, 64 * MIB);
  const ids = [1, 3, 5, 7];
  for (const id of ids) client.call(id, '/test.Calls/serverStream').message(id, Buffer.alloc(0), true);
  const bytesOf = (id: number): number => client.received.filter((frame) => frame.type === 'DATA' && frame.id === id).reduce((sum, { payload }) => sum + payload.length, 0);
  await client.next(() => ids.every((id) => bytesOf(id) === 200_000));
  client.out.settings([[4, 1000]]);
  const from = client.received.length;
  await client.next(({ type, flags }) => type === 'SETTINGS' && (flags & 1) !== 0, from);
  // 199,000 below nothing: what is granted up to there lets nothing through.
  for (const id of ids) client.out.windowUpdate(id, 199_000);
  await client.settle();
  assert.deepEqual(ids.map(bytesOf), ids.map(() => 200_000));
  for (const id of ids) client.out.windowUpdate(id, 500);
  await client.next(() => ids.every((id) => bytesOf(id) === 200_500));
  for (const id of ids) client.out.rstStream(id, 8);
  await client.settle();
  await rig.quiet();
  client[Symbol.dispose]();
});

test('the first block to a client starts with an empty table, from whichever worker it is, and no other does', async () => {
  await using rig = await RouterRig.start();
  using first = await FakeWorker.listen(rig.folder.join('1.sock'), 1);
  using second = await FakeWorker.listen(rig.folder.join('2.sock'), 2);
  for (const worker of [first, second]) rig.admit(worker);
  const client = await rig.rawClient({ HEADER_TABLE_SIZE: 0 });
  client.call(1, '/a.B/c').call(3, '/a.B/c');
  await client.settle();
  await rig.until(() => first.links.length + second.links.length === 2 && [1, 3].every((id) => [first, second].some((worker) => worker.linkOf(id))), 'both calls');
  for (const id of [3, 1]) {
    [first, second].find((worker) => worker.linkOf(id))?.linkOf(id)?.headers(id, [...OK_HEADERS, ...OK_TRAILERS], true);
    const { payload } = await client.frameOf('HEADERS', id);
    assert.equal(payload[0] === 0x20, id === 3);
  }
  client[Symbol.dispose]();
});

test('a worker that takes nothing stalls neither the others nor, up to what may be parked for it, their client', async () => {
  await using rig = await RouterRig.start({ workers: [SERVICE] });
  using hung = await FakeWorker.listen(rig.folder.join('hung.sock'), 2);
  rig.admit(hung);
  const client = rig.client();
  // Half of the uploads go to the worker that reads and never takes: ten, of 1 MiB each.
  const uploads = Array.from({ length: 20 }, () => call(client, 'clientStream', Array.from({ length: 64 }, () => Buffer.alloc(MIB / 64))));
  const served = uploads.map((upload) => upload.then(({ code }) => code));
  const isHalfServed = (): boolean => {
    const [worker] = rig.router.statistics().workers;
    return worker?.calls === 10 && worker.inFlight === 0;
  };
  await rig.until(isHalfServed, 'the half on the other worker');
  for (let made = 0; made < 20; made += 1) assert.equal((await call(client, 'unary', [Buffer.alloc(100_000)])).code, status.OK);
  hung.die();
  const codes = await Promise.all(served);
  assert.deepEqual([codes.filter((code) => code === status.OK).length, codes.filter((code) => code === status.UNAVAILABLE).length], [10, 10]);
});

test('a worker whose loop stands still costs calls on others nothing', async () => {
  await using rig = await RouterRig.start({ workers: [SERVICE] });
  using hung = await FakeWorker.listen(rig.folder.join('hung.sock'), 2);
  rig.admit(hung);
  const client = rig.client();
  const uploads = Array.from({ length: 8 }, () => call(client, 'clientStream', Array.from({ length: 32 }, () => Buffer.alloc(MIB / 64))));
  await rig.until(() => hung.links.length > 0, 'its link');
  for (const { socket } of hung.all) socket.pause();
  await rig.until(() => rig.router.statistics().workers[0]?.inFlight === 0, 'the uploads to the other worker');
  for (let made = 0; made < 10; made += 1) assert.equal((await call(client, 'unary', [Buffer.alloc(100_000)])).code, status.OK);
  hung.die();
  for (const { code } of await Promise.all(uploads)) assert.ok(code === status.OK || code === status.UNAVAILABLE);
});

test('a client that does not read stalls its own calls alone, and not much waits for it', async () => {
  await using rig = await RouterRig.start({ workers: [SERVICE] });
  const slow = await rig.rawClient({ INITIAL_WINDOW_SIZE: 64 * MIB });
  slow.out.windowUpdate(0, 512 * MIB);
  slow.socket.pause();
  for (let id = 1; id < 100; id += 2) slow.call(id, '/test.Calls/serverStream').message(id, Buffer.alloc(0), true);
  slow.flush();
  const client = rig.client();
  for (let made = 0; made < 50; made += 1) assert.equal((await call(client, 'unary')).code, status.OK);
  // 100 MiB of answers are on their way; the link lets half a MiB through.
  assert.ok(rig.router.statistics().buffered <= 2 * MIB, `${rig.router.statistics().buffered} bytes`);
  slow[Symbol.dispose]();
});

test('DATA that comes after its call was given up is credited to the link', async () => {
  await using rig = await RouterRig.start({ workers: [SERVICE] });
  const client = rig.client();
  // Far more than the window of a link, in calls that are cancelled at their first message.
  for (let made = 0; made < 30; made += 1) {
    await call(client, 'serverStream', undefined, (stream) => {
      const reading = stream as unknown as ClientReadableStream<Buffer>;
      void once(reading, 'data').then(() => stream.cancel(), () => undefined);
    });
  }
  const { code, messages } = await call(client, 'serverStream');
  assert.deepEqual([code, messages.length], [status.OK, 4]);
});

test('a link that is given up before it has acknowledged a smaller window does not hold that up', async () => {
  await using rig = await RouterRig.start();
  using worker = await FakeWorker.listen(rig.folder.join('1.sock'), 1);
  rig.admit(worker);
  const client = await rig.rawClient({ INITIAL_WINDOW_SIZE: 1000 });
  client.call(1, '/a.B/c', { endStream: true });
  await client.settle();
  await rig.until(() => worker.linkOf(1) !== undefined, 'the call');
  worker.acknowledges = false;
  const from = client.received.length;
  client.out.settings([[4, 10]]);
  await client.settle();
  rig.router.withdrawWorker(1);
  worker.linkOf(1)?.headers(1, [...OK_HEADERS, ...OK_TRAILERS], true);
  await client.next(({ type, flags }) => type === 'SETTINGS' && (flags & 1) !== 0, from);
  client[Symbol.dispose]();
});
