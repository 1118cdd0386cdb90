// What a router says of itself, and what it can be told while it runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTING } from '#src/http2/constants.js';
import { findSetting } from '#src/http2/settings.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeWorker, OK_HEADERS, OK_TRAILERS } from '../../support/fake-worker.js';
import type { RawClient } from '../../support/raw-client.js';
import { ROUTER_LIMITS, RouterRig } from '../../support/router-rig.js';

const MESSAGE = Buffer.from([0, 0, 0, 0, 5, ...Buffer.from('hello')]);

async function served(rig: RouterRig, worker: FakeWorker, client: RawClient, id: number): Promise<void> {
  client.call(id, '/a.B/c').data(id, MESSAGE, true);
  await client.settle();
  await rig.until(() => worker.linkOf(id) !== undefined, 'the call');
  worker.linkOf(id)?.headers(id, OK_HEADERS).headers(id, OK_TRAILERS, true);
  await client.frameOf('HEADERS', id);
  await rig.quiet();
}

test('calls and bytes count on when their connection and their worker are gone', async () => {
  await using rig = await RouterRig.start();
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  using other = await FakeWorker.listen(rig.folder.join('o.sock'), 2);
  const figures = (): number[] => {
    const { calls, bytesRead, bytesWritten } = rig.router.statistics();
    return [calls, bytesRead, bytesWritten];
  };
  let before = figures();
  for (const [id, now] of [[1, worker], [3, other]] as const) {
    rig.admit(now);
    const client = await rig.rawClient();
    await served(rig, now, client, id);
    const during = figures();
    assert.equal(during[0], (before[0] ?? 0) + 1);
    assert.ok(during.every((figure, index) => figure > (before[index] ?? 0)), `${during.join(' ')} after ${before.join(' ')}`);
    client[Symbol.dispose]();
    rig.router.withdrawWorker(now.place.id);
    rig.router.workerGone(now.place.id);
    await rig.until(() => rig.router.statistics().connections === 0 && rig.router.statistics().workers.length === 0, 'the end of both');
    before = figures();
    assert.ok(before.every((figure, index) => figure >= (during[index] ?? 0)), `${before.join(' ')} after ${during.join(' ')}`);
  }
});

test('other limits are for connections and calls that come from then on', async () => {
  const clock = new FakeClock();
  await using rig = await RouterRig.start({ clock, limits: { maxConcurrentStreams: 7, queueTimeout: 3000 } });
  const streams = ({ received }: RawClient): (number | null)[] =>
    received.filter(({ type, payload }) => type === 'SETTINGS' && payload.length > 0).map(({ payload }) => findSetting(payload, 0, payload.length, SETTING.MAX_CONCURRENT_STREAMS));
  const old = await rig.rawClient();
  rig.router.setLimits({ ...ROUTER_LIMITS, maxConcurrentStreams: 5, queueTimeout: 1000 });
  const young = await rig.rawClient();
  assert.deepEqual([streams(old), streams(young)], [[7], [5]]);
  old.call(1, '/a.B/c', { endStream: true });
  await old.settle();
  clock.advance(1000);
  assert.equal(old.decode((await old.frameOf('HEADERS', 1)).payload).at(-1)?.[1], 'No worker was ready within 1 s.');
  for (const client of [old, young]) client[Symbol.dispose]();
});

test('a worker may end a call with its last message', async () => {
  await using rig = await RouterRig.start({ cap: 1 });
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  rig.admit(worker);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c', { endStream: true });
  await client.settle();
  await rig.until(() => worker.linkOf(1) !== undefined, 'the call');
  worker.linkOf(1)?.headers(1, OK_HEADERS).data(1, MESSAGE, true);
  await client.frameOf('DATA', 1);
  await rig.quiet();
  client[Symbol.dispose]();
});
