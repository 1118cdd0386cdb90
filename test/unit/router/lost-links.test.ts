// A link that dies, and what becomes of its calls (each line of the table).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODE } from '#src/http2/constants.js';
import { FakeWorker, OK_HEADERS, OK_TRAILERS, type FakeLink } from '../../support/fake-worker.js';
import { valueOf } from '../../support/link-client.js';
import type { RawClient } from '../../support/raw-client.js';
import { RouterRig } from '../../support/router-rig.js';

const MESSAGE = Buffer.from([0, 0, 0, 0, 5, ...Buffer.from('hello')]);

async function withWorkers(count: number, run: (rig: RouterRig, client: RawClient, workers: readonly FakeWorker[]) => Promise<void>, limits = {}): Promise<void> {
  await using rig = await RouterRig.start({ limits });
  const workers: FakeWorker[] = [];
  for (let id = 1; id <= count; id += 1) {
    const worker = await FakeWorker.listen(rig.folder.join(`fake-${id}.sock`), id);
    workers.push(worker);
    rig.admit(worker);
  }
  const client = await rig.rawClient();
  try {
    await run(rig, client, workers);
  } finally {
    client[Symbol.dispose]();
    for (const worker of workers) worker.die();
  }
}

/** The link that has the call. */
async function linkOf(rig: RouterRig, id: number, workers: readonly FakeWorker[]): Promise<FakeLink> {
  const find = (): FakeLink | undefined => workers.map((worker) => worker.linkOf(id)).find((link) => link !== undefined);
  return rig.deadline.poll(find, `call ${id} at a worker`);
}

async function begin(client: RawClient, id: number): Promise<void> {
  client.call(id, '/test.Calls/unary');
  client.data(id, MESSAGE, true);
  await client.settle();
}

function statusOf(client: RawClient, payload: Buffer): { code: string | undefined; message: string | undefined; status: string | undefined } {
  const fields = client.decode(payload);
  return { status: valueOf(fields, ':status'), code: valueOf(fields, 'grpc-status'), message: valueOf(fields, 'grpc-message') };
}

test('nothing of the answer was there: Trailers-Only UNAVAILABLE, which names the cause, and the connection lives', async () => {
  await withWorkers(1, async (rig, client, [worker]) => {
    assert(worker);
    await begin(client, 1);
    (await linkOf(rig, 1, [worker])).socket.destroy();
    const headers = await client.frameOf('HEADERS', 1);
    const { status, code, message } = statusOf(client, headers.payload);
    assert.deepEqual([headers.flags & 1, status, code], [1, '200', '14']);
    assert.match(message ?? '', /^The worker that had the call is gone \(slot 0: .+\)\.$/);
    assert.equal(rig.router.statistics().lost, 1);
    await begin(client, 3);
    await linkOf(rig, 3, [worker]);
    client.out.rstStream(3, 8);
    client.flush();
  });
});

test('the headers of the answer had gone: trailers UNAVAILABLE, also after half a message', async () => {
  await withWorkers(1, async (rig, client, [worker]) => {
    assert(worker);
    await begin(client, 1);
    const link = await linkOf(rig, 1, [worker]);
    link.headers(1, OK_HEADERS).data(1, MESSAGE.subarray(0, 7));
    const data = await client.frameOf('DATA', 1);
    assert.equal(data.payload.length, 7);
    statusOf(client, (await client.frameOf('HEADERS', 1)).payload);
    link.socket.destroy();
    const trailers = await client.next(({ type, id }) => type === 'HEADERS' && id === 1, client.received.indexOf(data));
    const { status, code } = statusOf(client, trailers.payload);
    assert.deepEqual([trailers.flags & 1, status, code], [1, undefined, '14']);
  });
});

test('the answer was complete: nothing is added, though it has not gone yet', async () => {
  await withWorkers(1, async (rig, _client, [worker]) => {
    assert(worker);
    const client = await rig.rawClient({ INITIAL_WINDOW_SIZE: 1 << 20 });
    client.call(1, '/test.Calls/unary', { endStream: true });
    await client.settle();
    const link = await linkOf(rig, 1, [worker]);
    // More than the connection's window holds.
    link.headers(1, OK_HEADERS);
    for (let sent = 0; sent < 5; sent += 1) link.data(1, Buffer.alloc(16_384));
    link.headers(1, OK_TRAILERS, true);
    await client.next(() => client.received.filter(({ type }) => type === 'DATA').reduce((sum, { payload }) => sum + payload.length, 0) === 65_535);
    link.socket.destroy();
    await rig.until(() => rig.router.statistics().links === 0, 'the end of the link');
    client.out.windowUpdate(0, 1 << 20);
    const end = await client.next(({ type, id, flags }) => type === 'HEADERS' && id === 1 && (flags & 1) !== 0);
    statusOf(client, (await client.frameOf('HEADERS', 1)).payload);
    assert.equal(statusOf(client, end.payload).code, '0');
    assert.equal(rig.router.statistics().lost, 0);
    client[Symbol.dispose]();
  });
});

test('nothing of the call was written: it goes to another worker, with all its frames and its window', async () => {
  await withWorkers(1, async (rig, client, [worker]) => {
    assert(worker);
    // The first call fills the socket of a worker that does not read.
    client.call(1, '/test.Calls/clientStream');
    await client.settle();
    const link = await linkOf(rig, 1, [worker]);
    link.socket.pause();
    for (let sent = 0; sent < 60; sent += 1) client.data(1, Buffer.alloc(16_384));
    await client.settle();
    // These stay behind it: a whole call, one that goes on later, one with trailers, and one that is given up.
    client.call(3, '/test.Calls/unary').data(3, MESSAGE, true);
    client.call(5, '/test.Calls/clientStream').data(5, MESSAGE);
    client.out.windowUpdate(5, 1000);
    client.call(7, '/test.Calls/clientStream').data(7, MESSAGE).headers(7, [['x', 'y']], true);
    client.call(9, '/test.Calls/unary');
    client.out.rstStream(9, 8);
    await client.settle();
    using other = await FakeWorker.listen(rig.folder.join('other.sock'), 2);
    rig.admit(other);
    worker.die();
    const headers = await client.frameOf('HEADERS', 1);
    assert.equal(statusOf(client, headers.payload).code, '14');
    const elsewhere = await linkOf(rig, 5, [other]);
    await linkOf(rig, 3, [other]);
    client.data(5, MESSAGE, true);
    client.flush();
    await rig.until(() => elsewhere.framesOf('DATA').length === 4, 'all frames of the calls');
    assert.deepEqual(
      elsewhere.received.filter(({ id }) => id > 0).map(({ type, id, flags, payload }) => [type, id, flags & 1, payload.length > 20 ? '' : payload.length]),
      [['HEADERS', 3, 0, ''], ['DATA', 3, 1, 10], ['HEADERS', 5, 0, ''], ['DATA', 5, 0, 10], ['WINDOW_UPDATE', 5, 0, 4],
        ['HEADERS', 7, 0, ''], ['DATA', 7, 0, 10], ['HEADERS', 7, 1, 5], ['DATA', 5, 1, 10]],
    );
    assert.equal(elsewhere.framesOf('WINDOW_UPDATE')[0]?.payload.readUInt32BE(0), 1000);
    assert.deepEqual(rig.router.statistics().lost, 1);
    for (const id of [3, 5, 7]) elsewhere.headers(id, [...OK_HEADERS, ...OK_TRAILERS], true);
    for (const id of [3, 5, 7]) assert.equal(statusOf(client, (await client.frameOf('HEADERS', id)).payload).code, '0');
    await rig.quiet();
  });
});

test('a call that goes elsewhere gives its client credit for each byte once', async () => {
  await withWorkers(1, async (rig, client, [worker]) => {
    assert(worker);
    const WINDOW = 8 * 2 ** 20;
    let sent = 0;
    const send = (id: number, pieces: number): void => {
      for (let piece = 0; piece < pieces; piece += 1) client.data(id, Buffer.alloc(16_384));
      sent += pieces * 16_384;
    };
    /** What the client may have on its way, as it sees it. */
    const window = (): number =>
      client.received.reduce((sum, { type, id, payload }) => sum + (type === 'WINDOW_UPDATE' && id === 0 ? payload.readUInt32BE(0) : 0), 65_535) - sent;
    client.call(1, '/test.Calls/clientStream');
    await client.settle();
    (await linkOf(rig, 1, [worker])).socket.pause();
    send(1, 60);
    await client.settle();
    // More than half of the window, which is when the router says what it owes.
    const moved = [3, 5, 7, 9, 11];
    for (const id of moved) client.call(id, '/test.Calls/clientStream');
    for (const id of moved) send(id, 60);
    await client.settle();
    using other = await FakeWorker.listen(rig.folder.join('other.sock'), 2);
    rig.admit(other);
    worker.die();
    for (const id of moved) await linkOf(rig, id, [other]);
    const link = await linkOf(rig, 3, [other]);
    const came = (): number => link.framesOf('DATA').reduce((sum, { payload }) => sum + payload.length, 0);
    await rig.until(() => came() === 60 * moved.length * 16_384, 'all that they had sent');
    await client.settle();
    assert.ok(window() <= WINDOW, `${window()} bytes`);
    // And not less either: all goes on as if nothing had been.
    for (const id of moved) send(id, 3);
    await client.settle();
    assert.ok(window() > WINDOW / 2 - 1, `${window()} bytes`);
    for (const id of moved) link.headers(id, [...OK_HEADERS, ...OK_TRAILERS], true);
    await rig.quiet();
  });
});

test('a call that another one overtook goes on a fresh link, and the old one closes when it has no calls', async () => {
  await withWorkers(1, async (rig, client, [worker]) => {
    assert(worker);
    client.call(1, '/test.Calls/clientStream');
    await client.settle();
    (await linkOf(rig, 1, [worker])).socket.pause();
    for (let sent = 0; sent < 60; sent += 1) client.data(1, Buffer.alloc(16_384));
    await client.settle();
    client.call(3, '/test.Calls/unary', { endStream: true });
    await client.settle();
    using other = await FakeWorker.listen(rig.folder.join('other.sock'), 2);
    rig.admit(other);
    client.call(5, '/test.Calls/unary', { endStream: true });
    await client.settle();
    const overtaking = await linkOf(rig, 5, [other]);
    worker.die();
    const fresh = await linkOf(rig, 3, [other]);
    assert.notEqual(fresh, overtaking);
    overtaking.headers(5, [...OK_HEADERS, ...OK_TRAILERS], true);
    await rig.until(() => overtaking.socket.destroyed, 'the end of the old link');
    fresh.headers(3, [...OK_HEADERS, ...OK_TRAILERS], true);
    await client.frameOf('HEADERS', 3);
    await rig.quiet();
    // The fresh one is the one for its calls now.
    client.call(7, '/test.Calls/unary', { endStream: true });
    await client.settle();
    assert.equal(await linkOf(rig, 7, [other]), fresh);
    fresh.headers(7, [...OK_HEADERS, ...OK_TRAILERS], true);
    await client.frameOf('HEADERS', 7);
    await rig.quiet();
    assert.equal(fresh.socket.destroyed, false);
  });
});

test('a worker that is not there any more: its calls go to another one', async () => {
  await withWorkers(1, async (rig, client, [worker]) => {
    assert(worker);
    rig.admit({ place: { id: 9, slot: 9, generation: 1, path: rig.folder.join('nobody.sock') } });
    for (let id = 1; id < 40; id += 2) client.call(id, '/test.Calls/unary', { endStream: true });
    await client.settle();
    for (let id = 1; id < 40; id += 2) {
      const link = await linkOf(rig, id, [worker]);
      link.headers(id, [...OK_HEADERS, ...OK_TRAILERS], true);
      assert.equal(statusOf(client, (await client.frameOf('HEADERS', id)).payload).code, '0');
    }
    assert.equal(rig.router.statistics().lost, 0);
  });
});

for (const [name, code] of [['COMPRESSION_ERROR', ERROR_CODE.COMPRESSION_ERROR], ['PROTOCOL_ERROR', ERROR_CODE.PROTOCOL_ERROR]] as const) {
  test(`${name} is the client's: its connection ends with it, and the worker is not blamed`, async () => {
    await withWorkers(1, async (rig, client, [worker]) => {
      assert(worker);
      await begin(client, 1);
      const link = await linkOf(rig, 1, [worker]);
      link.out.goaway(0, code, 'index 62');
      link.flush();
      link.socket.end();
      assert.deepEqual(await client.goaway(), { lastId: 1, code, text: 'index 62' });
      await client.end();
      assert.deepEqual([rig.router.statistics().lost, rig.router.statistics().workers[0]?.standing], [0, 'good']);
      await rig.until(() => rig.first.faults.includes('index 62'), 'the fault');
    });
  });
}

test('another code is the worker\'s: its calls end, the connection lives', async () => {
  await withWorkers(1, async (rig, client, [worker]) => {
    assert(worker);
    await begin(client, 1);
    const link = await linkOf(rig, 1, [worker]);
    link.out.goaway(0, ERROR_CODE.INTERNAL_ERROR, 'a fault of ours');
    link.flush();
    const { code, message } = statusOf(client, (await client.frameOf('HEADERS', 1)).payload);
    assert.deepEqual([code, message], ['14', 'The worker that had the call is gone (slot 0: a fault of ours).']);
    await client.settle();
  });
});

test('a worker that refuses a stream is quoted', async () => {
  await withWorkers(1, async (rig, client, [worker]) => {
    assert(worker);
    await begin(client, 1);
    const link = await linkOf(rig, 1, [worker]);
    link.out.rstStream(1, ERROR_CODE.REFUSED_STREAM);
    link.flush();
    assert.equal((await client.frameOf('RST_STREAM', 1)).payload.readUInt32BE(0), ERROR_CODE.REFUSED_STREAM);
    await rig.quiet();
  });
});

test('a worker whose streams take other windows than ours is refused', async () => {
  await withWorkers(1, async (rig, client, [worker]) => {
    assert(worker);
    worker.streamWindow = 65_535;
    await begin(client, 1);
    assert.match(statusOf(client, (await client.frameOf('HEADERS', 1)).payload).message ?? '', /a worker whose streams take 65535 bytes, not 1048576/);
    assert.equal(rig.router.statistics().inFlight, 0);
  });
});

for (const [how, leave] of Object.entries({
  'is lost': (_rig: RouterRig, link: FakeLink) => link.socket.destroy(),
  'has no call any more': (rig: RouterRig) => rig.router.withdrawWorker(1),
})) {
  test(`a link that ${how} keeps nothing of what clients send to answers that wait for them, and they get credit for it`, async () => {
    await withWorkers(1, async (rig, _client, [worker]) => {
      assert(worker);
      const client = await rig.rawClient({ INITIAL_WINDOW_SIZE: 1 << 20 });
      const before = rig.router.statistics().links;
      client.call(1, '/test.Calls/clientStream');
      await client.settle();
      const link = await linkOf(rig, 1, [worker]);
      link.headers(1, OK_HEADERS);
      for (let sent = 0; sent < 5; sent += 1) link.data(1, Buffer.alloc(16_384));
      link.headers(1, OK_TRAILERS, true);
      await rig.until(() => rig.router.statistics().inFlight === 0, 'a complete answer');
      leave(rig, link);
      await rig.until(() => rig.router.statistics().links <= before, 'a link that is gone');
      const granted = (): number => client.received
        .filter(({ type, id }) => type === 'WINDOW_UPDATE' && id === 0)
        .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 65_535);
      // More than a link may park, and the connection carry.
      let sent = 0;
      for (let round = 0; round < 26; round += 1) {
        await client.next(() => granted() - sent >= 1 << 20);
        for (let frame = 0; frame < 64; frame += 1) client.data(1, Buffer.alloc(16_384));
        sent += 1 << 20;
        await client.settle();
      }
      assert.equal(rig.router.statistics().buffered, 0);
      client[Symbol.dispose]();
    });
  });
}
