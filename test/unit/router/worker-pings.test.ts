// Workers that do not answer pings, and workers that leave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeWorker, OK_HEADERS, OK_TRAILERS } from '../../support/fake-worker.js';
import { call, RouterRig } from '../../support/router-rig.js';

async function pinged(clock: FakeClock): Promise<{ rig: RouterRig; worker: FakeWorker; standing: () => string | undefined; pings: () => number }> {
  const rig = await RouterRig.start({ clock });
  const worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  rig.admit(worker);
  const pings = (): number => worker.all.flatMap((link) => link.framesOf('PING')).length;
  await rig.until(() => pings() === 1, 'the first ping');
  return { rig, worker, pings, standing: () => rig.router.statistics().workers[0]?.standing };
}

test('a worker is asked every half second; silent for 1 s it is late, for 4 s out, and good when it answers', async () => {
  const clock = new FakeClock();
  const { rig, worker, pings, standing } = await pinged(clock);
  await using _rig = rig;
  // The answer to the first, and a second question.
  await rig.until(() => {
    if (pings() < 2) clock.advance(500);
    return pings() === 2;
  }, 'another ping');
  worker.answersPings = false;
  await rig.deadline.poll(async () => {
    // What it has answered before may still be on its way.
    const before = pings();
    clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return pings() === before ? undefined : true;
  }, 'a ping that is not answered');
  clock.advance(999);
  assert.equal(standing(), 'good');
  clock.advance(1);
  assert.equal(standing(), 'late');
  clock.advance(2999);
  assert.equal(standing(), 'late');
  clock.advance(1);
  assert.equal(standing(), 'out');
  worker.answersPings = true;
  const [link] = worker.all;
  link?.out.ping(link.framesOf('PING').at(-1)?.payload ?? Buffer.alloc(8), true);
  link?.flush();
  await rig.until(() => standing() === 'good', 'its answer to count');
  worker.die();
});

test('a router that stood still itself blames nobody', async () => {
  const clock = new FakeClock();
  const { rig, worker, standing } = await pinged(clock);
  await using _rig = rig;
  worker.answersPings = false;
  clock.suspend(60_000);
  assert.equal(standing(), 'good');
  worker.die();
});

test('a worker that breaks a link is out until it has answered a new ping', async () => {
  const { rig, worker, standing } = await pinged(new FakeClock());
  await using _rig = rig;
  const client = await rig.rawClient();
  client.call(1, '/a.B/c', { endStream: true });
  await client.settle();
  await rig.until(() => worker.linkOf(1) !== undefined, 'the call');
  worker.answersPings = false;
  worker.linkOf(1)?.socket.destroy();
  await client.frameOf('HEADERS', 1);
  assert.equal(standing(), 'out');
  client.call(3, '/a.B/c', { endStream: true });
  await client.settle();
  assert.equal(rig.router.statistics().waiting, 1);
  await rig.until(() => (worker.all[0]?.framesOf('PING').length ?? 0) === 2, 'a new ping');
  const [link] = worker.all;
  const answer = async (ping: number): Promise<void> => {
    link?.out.ping(link.framesOf('PING')[ping]?.payload ?? Buffer.alloc(8), true);
    link?.flush();
    // That an answer does not count shows nowhere: it has been read after some round trips of somebody else.
    for (let turn = 0; turn < 10; turn += 1) await client.settle();
  };
  await answer(0);
  assert.equal(standing(), 'out');
  await answer(1);
  await rig.until(() => worker.linkOf(3) !== undefined, 'the call that waited');
  worker.linkOf(3)?.headers(3, [...OK_HEADERS, ...OK_TRAILERS], true);
  await client.frameOf('HEADERS', 3);
  client[Symbol.dispose]();
  await rig.until(() => rig.router.statistics().links === 0, 'no link');
  worker.die();
});

test('calls go on in a worker that is withdrawn, no new ones come, and the link of its pings closes last', async () => {
  await using rig = await RouterRig.start();
  using old = await FakeWorker.listen(rig.folder.join('old.sock'), 100);
  rig.admit(old);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c');
  await client.settle();
  await rig.until(() => old.linkOf(1) !== undefined, 'the call');
  const next = await rig.addWorker({ unary: (given, callback) => callback(null, given.request) });
  rig.admit(next);
  rig.router.withdrawWorker(100);
  const other = rig.client();
  for (let made = 0; made < 10; made += 1) assert.equal((await call(other, 'unary')).code, status.OK);
  const [pings] = old.all;
  assert.deepEqual([old.links.length, old.linkOf(1)?.socket.readableEnded, pings?.socket.readableEnded], [1, false, false]);
  old.linkOf(1)?.headers(1, [...OK_HEADERS, ...OK_TRAILERS], true);
  await client.frameOf('HEADERS', 1);
  await rig.until(() => pings?.socket.destroyed === true, 'the end of the pings');
  assert.equal(old.linkOf(1)?.socket.destroyed, true);
  client[Symbol.dispose]();
});

test('a worker that is admitted again gets calls again, and is asked again', async () => {
  await using rig = await RouterRig.start({ workers: [{ unary: (given, callback) => callback(null, given.request) }] });
  const [worker] = rig.workers;
  assert(worker);
  const client = rig.client();
  for (let round = 1; round <= 2; round += 1) {
    assert.equal((await call(client, 'unary')).code, status.OK);
    rig.router.withdrawWorker(1);
    await rig.until(() => rig.first.left.length === round && worker.links.connections === 0, 'its end');
    rig.admit(worker);
    await rig.until(() => worker.links.connections === 1, 'a link of pings');
  }
  assert.equal((await call(client, 'unary')).code, status.OK);
  assert.deepEqual(rig.first.left, [1, 1]);
});

test('a worker that was out when it was withdrawn is good when it is admitted again', async () => {
  const clock = new FakeClock();
  const { rig, worker, standing } = await pinged(clock);
  await using _rig = rig;
  using _worker = worker;
  worker.answersPings = false;
  await rig.until(() => {
    clock.advance(500);
    return standing() === 'out';
  }, 'a worker that is out');
  rig.router.withdrawWorker(1);
  assert.equal(standing(), 'out');
  rig.admit(worker);
  assert.equal(standing(), 'good');
});

test('a worker has left when its last call has ended, and not before', async () => {
  await using rig = await RouterRig.start();
  using old = await FakeWorker.listen(rig.folder.join('old.sock'), 5);
  rig.admit(old);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c');
  await client.settle();
  await rig.until(() => old.linkOf(1) !== undefined, 'the call');
  rig.router.withdrawWorker(5);
  await client.settle();
  assert.deepEqual(rig.first.left, []);
  // What is admitted again keeps the calls that it has on their link, and takes new ones on another.
  rig.admit(old);
  client.call(3, '/a.B/c');
  await client.settle();
  await rig.until(() => old.linkOf(3) !== undefined, 'another call');
  assert.notEqual(old.linkOf(3), old.linkOf(1));
  for (const id of [1, 3]) old.linkOf(id)?.headers(id, [...OK_HEADERS, ...OK_TRAILERS], true);
  for (const id of [1, 3]) await client.frameOf('HEADERS', id);
  await rig.until(() => old.linkOf(1)?.socket.destroyed === true, 'the end of the first link');
  assert.deepEqual([rig.first.left, old.linkOf(3)?.socket.destroyed], [[], false]);
  rig.router.withdrawWorker(5);
  await rig.until(() => rig.first.left.length === 1, 'its end');
  assert.equal(old.all.every(({ socket }) => socket.destroyed), true);
  client[Symbol.dispose]();
});

test('an idle link of a worker that is withdrawn closes at once', async () => {
  await using rig = await RouterRig.start({ workers: [{ unary: (given, callback) => callback(null, given.request) }] });
  const client = rig.client();
  assert.equal((await call(client, 'unary')).code, status.OK);
  assert.equal(rig.workers[0]?.links.connections, 2);
  rig.router.withdrawWorker(1);
  await rig.until(() => rig.workers[0]?.links.connections === 0, 'the end of both links');
});

test('two hundred workers come and go under load: no call fails, no client is sent away, nothing is lost', async () => {
  const service = { unary: (given: { request: unknown }, callback: (error: unknown, value?: unknown) => void) => void setImmediate(() => callback(null, given.request)) };
  await using rig = await RouterRig.start({ workers: [service, service] });
  const client = await rig.rawClient();
  const clients = [rig.client(), rig.client(), rig.client()];
  let isOver = false;
  const counts: Record<string, number> = {};
  const load = clients.flatMap((one) => Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const { code } = await call(one, 'unary');
      counts[code] = (counts[code] ?? 0) + 1;
    }
  }));
  for (let turn = 0; turn < 200; turn += 1) {
    const next = await rig.addWorker(service);
    rig.admit(next);
    const old = rig.workers[turn];
    if (old === undefined) continue;
    rig.router.withdrawWorker(old.place.id);
    await rig.until(() => old.links.connections === 0, 'a worker without links');
    rig.router.workerGone(old.place.id);
    old.links.destroyAll();
  }
  isOver = true;
  await Promise.all(load);
  assert.deepEqual([Object.keys(counts), rig.router.statistics().lost, rig.router.statistics().connections], [['0'], 0, 4]);
  assert.equal(client.received.some(({ type }) => type === 'GOAWAY'), false);
  client[Symbol.dispose]();
});
