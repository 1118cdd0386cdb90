// Calls that wait for a worker.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { RefusedCalls } from '#src/router/refused-calls.js';
import { WaitingCall } from '#src/router/waiting-call.js';
import { WaitingCalls } from '#src/router/waiting-calls.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeWorker, OK_HEADERS, OK_TRAILERS } from '../../support/fake-worker.js';
import { valueOf } from '../../support/link-client.js';
import { call, RouterRig, type Handlers } from '../../support/router-rig.js';

const COLLECT: Handlers = {
  unary: (given, callback) => callback(null, given.request),
  clientStream(stream, callback) {
    const parts: Buffer[] = [];
    stream.on('data', (message) => parts.push(message as Buffer));
    stream.on('end', () => callback(null, Buffer.concat(parts)));
  },
};

test('calls that come before a worker are served by the first one, in order, with all that was sent of them', async () => {
  await using rig = await RouterRig.start();
  const client = rig.client();
  const pieces = Array.from({ length: 100 }, (_, index) => Buffer.alloc(index * 50, index));
  const calls = [
    call(client, 'clientStream', pieces), call(client, 'unary', [Buffer.alloc(300_000, 1)]), call(client, 'unary', [Buffer.from('b')]),
    call(client, 'clientStream', []),
  ];
  await rig.until(() => rig.router.statistics().waiting === 4, 'the calls to wait');
  rig.admit(await rig.addWorker(COLLECT));
  const answers = await Promise.all(calls);
  assert.deepEqual(answers.map(({ code }) => code), [0, 0, 0, 0]);
  assert.deepEqual(answers.map(({ messages }) => messages[0]), [Buffer.concat(pieces), Buffer.alloc(300_000, 1), Buffer.from('b'), Buffer.alloc(0)]);
});

test('a call whose client goes on sending after it was given to a worker is whole', async () => {
  await using rig = await RouterRig.start();
  const client = await rig.rawClient();
  client.call(1, '/test.Calls/clientStream').message(1, Buffer.from('be'));
  await client.settle();
  const worker = await rig.addWorker(COLLECT);
  rig.admit(worker);
  client.message(1, Buffer.from('fore'), true);
  const data = await client.frameOf('DATA', 1);
  assert.equal(data.payload.subarray(5).toString(), 'before');
  client[Symbol.dispose]();
});

test('trailers and windows of a call that waits come to its worker too', async () => {
  await using rig = await RouterRig.start();
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c').message(1, Buffer.from('one')).headers(1, [['x', 'y']], true);
  client.out.windowUpdate(1, 77);
  await client.settle();
  rig.admit(worker);
  await rig.until(() => worker.linkOf(1)?.framesOf('WINDOW_UPDATE').length === 1, 'all frames');
  const link = worker.linkOf(1);
  assert(link);
  assert.deepEqual(
    link.received.filter(({ id }) => id === 1).map(({ type, flags }) => [type, flags & 1]),
    [['HEADERS', 0], ['DATA', 0], ['HEADERS', 1], ['WINDOW_UPDATE', 0]],
  );
  assert.equal(link.framesOf('WINDOW_UPDATE')[0]?.payload.readUInt32BE(0), 77);
  link.headers(1, [...OK_HEADERS, ...OK_TRAILERS], true);
  await client.frameOf('HEADERS', 1);
  client[Symbol.dispose]();
});

test('a window that grows above all bounds while its call waits does so for its worker, too', async () => {
  await using rig = await RouterRig.start();
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c', { endStream: true });
  for (const increment of [2 ** 31 - 1, 1, 2 ** 31 - 1]) client.out.windowUpdate(1, increment);
  await client.settle();
  rig.admit(worker);
  // RFC 9113 section 6.9.1: it is for the worker to end the stream, which it can only see by a sum above 2^31-1.
  await rig.until(() => worker.linkOf(1)?.framesOf('WINDOW_UPDATE').length === 2, 'the windows');
  const link = worker.linkOf(1);
  assert(link);
  assert.deepEqual(link.framesOf('WINDOW_UPDATE').map(({ payload }) => payload.readUInt32BE(0)), [2 ** 31 - 1, 2 ** 31 - 1]);
  link.headers(1, [...OK_HEADERS, ...OK_TRAILERS], true);
  await client.frameOf('HEADERS', 1);
  client[Symbol.dispose]();
});

test('a call that waits ends where its client ended it: with its headers, its last message, or not yet', async () => {
  await using rig = await RouterRig.start();
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c', { endStream: true });
  client.call(3, '/a.B/c').data(3, Buffer.from('one')).data(3, Buffer.from('two'), true);
  client.call(5, '/a.B/c').data(5, Buffer.from('one'));
  client.call(7, '/a.B/c').data(7, Buffer.from('one')).data(7, Buffer.alloc(0), true);
  await client.settle();
  rig.admit(worker);
  await rig.until(() => worker.linkOf(7)?.received.some(({ id, type }) => id === 7 && type === 'DATA') === true, 'the calls');
  const link = worker.linkOf(7);
  assert(link);
  assert.deepEqual(
    link.received.filter(({ id }) => id > 0).map(({ type, id, flags, payload }) => [id, type, flags & 1, type === 'DATA' ? payload.toString() : '']),
    [
      [1, 'HEADERS', 1, ''],
      [3, 'HEADERS', 0, ''], [3, 'DATA', 0, 'one'], [3, 'DATA', 1, 'two'],
      [5, 'HEADERS', 0, ''], [5, 'DATA', 0, 'one'],
      [7, 'HEADERS', 0, ''], [7, 'DATA', 1, 'one'],
    ],
  );
  for (const id of [1, 3, 5, 7]) link.headers(id, [...OK_HEADERS, ...OK_TRAILERS], true);
  for (const id of [1, 3, 5, 7]) await client.frameOf('HEADERS', id);
  client[Symbol.dispose]();
});

test('no worker in time: UNAVAILABLE, which says why, and nothing is left of the call', async () => {
  const clock = new FakeClock();
  await using rig = await RouterRig.start({ clock, limits: { queueTimeout: 3000 } });
  const client = await rig.rawClient();
  client.call(1, '/a.B/c').message(1, Buffer.alloc(1000));
  await client.settle();
  assert.deepEqual([rig.router.statistics().waiting, rig.router.statistics().buffered > 1000], [1, true]);
  clock.advance(2999);
  assert.equal(rig.router.statistics().waiting, 1);
  clock.advance(1);
  const fields = client.decode((await client.frameOf('HEADERS', 1)).payload);
  assert.deepEqual([valueOf(fields, ':status'), valueOf(fields, 'grpc-status'), valueOf(fields, 'grpc-message')], ['200', String(status.UNAVAILABLE), 'No worker was ready within 3 s.']);
  assert.deepEqual([rig.router.statistics().waiting, rig.router.statistics().buffered, rig.router.units.taken], [0, 0, 0]);
  client[Symbol.dispose]();
  await rig.until(() => rig.router.statistics().connections === 0, 'the end of the client');
});

test('a call that is cancelled while it waits leaves nothing behind, and reaches no worker', async () => {
  await using rig = await RouterRig.start();
  const client = await rig.rawClient();
  client.call(1, '/test.Calls/unary').message(1, Buffer.alloc(1000));
  client.out.rstStream(1, 8);
  await client.settle();
  const { waiting, buffered } = rig.router.statistics();
  assert.deepEqual([waiting, buffered, rig.router.units.taken], [0, 0, 0]);
  const worker = await rig.addWorker(COLLECT);
  rig.admit(worker);
  await client.settle();
  assert.equal(rig.router.statistics().calls, 0);
  client[Symbol.dispose]();
});

test('a call that is cancelled while its link is being opened reaches no worker, and leaves nothing behind', async () => {
  await using rig = await RouterRig.start({ cap: 10 });
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  rig.admit(worker);
  const client = await rig.rawClient();
  // One write, so that the router reads all of it before the link can be open.
  client.call(1, '/a.B/c').message(1, Buffer.alloc(1000));
  client.out.rstStream(1, 8);
  client.call(3, '/a.B/c', { endStream: true });
  await client.settle();
  await rig.until(() => worker.linkOf(3) !== undefined, 'the other call');
  assert.deepEqual([worker.linkOf(1), rig.router.units.taken, rig.router.statistics().inFlight], [undefined, 1, 1]);
  worker.linkOf(3)?.headers(3, [...OK_HEADERS, ...OK_TRAILERS], true);
  await client.frameOf('HEADERS', 3);
  await rig.quiet();
  client[Symbol.dispose]();
});

test('a client that goes while its calls wait leaves nothing behind', async () => {
  // Nothing but its end takes them away: no time passes.
  await using rig = await RouterRig.start({ clock: new FakeClock() });
  const client = await rig.rawClient();
  client.call(1, '/a.B/c').message(1, Buffer.alloc(1000)).call(3, '/a.B/c');
  await client.settle();
  client[Symbol.dispose]();
  await rig.quiet();
});

test('what waits has no credit: the client stops at the window of its connection, and goes on when a worker has come', async () => {
  await using rig = await RouterRig.start();
  const client = rig.client();
  const pieces = Array.from({ length: 16 }, () => Buffer.alloc(65_536, 5));
  const calls = Array.from({ length: 12 }, () => call(client, 'clientStream', pieces));
  const WINDOW = 8 * 2 ** 20;
  await rig.until(() => rig.router.statistics().buffered >= WINDOW, 'a full window');
  assert.ok(rig.router.statistics().buffered < WINDOW + 10_000);
  rig.admit(await rig.addWorker(COLLECT));
  for (const { code, messages } of await Promise.all(calls)) assert.deepEqual([code, messages[0]?.length], [0, 2 ** 20]);
});

/** A room with these bounds, and what its calls were answered. */
function room(limits: { calls: number; bytes: number }): { room: WaitingCalls; refused: RefusedCalls; clock: FakeClock; answered: number[]; add: (id: number) => WaitingCall } {
  const clock = new FakeClock();
  const refused = new RefusedCalls();
  const calls = new WaitingCalls(1000, clock, refused, limits);
  const answered: number[] = [];
  const owner = {
    headers: (id: number) => answered.push(id), data: () => true, reset: () => undefined, windowUpdate: () => undefined,
    took: () => undefined, fail: () => undefined, move: () => undefined, lost: () => 0,
  };
  const home = { owner, refused, begin: (call: WaitingCall) => calls.lineUp(call, () => false), ended: () => undefined };
  return {
    room: calls, refused, clock, answered,
    add(id) {
      const waiting = new WaitingCall(id, 'held', 'new', home, calls);
      calls.add(waiting);
      waiting.headers(id, Buffer.alloc(10), 0, 10, false);
      return waiting;
    },
  };
}

test('what waits is bounded in number', () => {
  const { room: calls, add } = room({ calls: 2, bytes: 1000 });
  const first = add(1);
  assert.equal(calls.hasRoom, true);
  add(3);
  assert.equal(calls.hasRoom, false);
  first.reset();
  assert.equal(calls.hasRoom, true);
});

test('what waits is bounded in bytes: the call that brings too many is answered', () => {
  const { room: calls, refused, answered, clock, add } = room({ calls: 10, bytes: 100 });
  const first = add(1);
  const second = add(3);
  first.data(1, Buffer.alloc(60), 0, 60, false);
  assert.deepEqual([calls.bytes, answered], [80, []]);
  second.data(3, Buffer.alloc(60), 0, 60, false);
  assert.deepEqual([calls.bytes, calls.size, answered], [70, 1, [3]]);
  clock.advance(1000);
  assert.deepEqual([calls.bytes, answered, clock.pending], [0, [3, 1], 0]);
  assert.deepEqual(refused.counts, { limit: 0, 'no-worker': 1, 'queue-full': 1 });
});
