// What a router holds of one client is bounded by the formula of docs/router.md, whoever is slow.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONNECTION_WINDOW } from '#src/front/front-limits.js';
import { LINK_WINDOW } from '#src/front/link.js';
import { MAX_PARKED } from '#src/front/parking.js';
import { ERROR_CODE, STREAM_WINDOW } from '#src/http2/constants.js';
import { MOST_WAITING } from '#src/router/waiting-calls.js';
import { MOST_UNSENT } from '#src/router/worker-link.js';
import { FakeWorker, OK_HEADERS } from '../../support/fake-worker.js';
import { ROOT } from '../../support/paths.js';
import { RouterRig } from '../../support/router-rig.js';

const MIB = 2 ** 20;
const FRAME = 16_384;
/** Headers of frames and of calls. */
const SLACK = MIB / 4;

async function withTwoWorkers(run: (rig: RouterRig, workers: readonly [FakeWorker, FakeWorker]) => Promise<void>): Promise<void> {
  await using rig = await RouterRig.start();
  using first = await FakeWorker.listen(rig.folder.join('1.sock'), 1);
  using second = await FakeWorker.listen(rig.folder.join('2.sock'), 2);
  for (const worker of [first, second]) rig.admit(worker);
  await run(rig, [first, second]);
}

test('toward workers that stand still: one window of the client, and what may be parked for each link', async () => {
  await withTwoWorkers(async (rig, workers) => {
    const client = await rig.rawClient();
    const ids = Array.from({ length: 60 }, (_, index) => 2 * index + 1);
    for (const id of ids) client.call(id, '/a.B/c');
    await client.settle();
    await rig.until(() => workers.every(({ links }) => links.length === 1) && rig.router.statistics().inFlight === ids.length, 'all calls');
    for (const { all } of workers) for (const { socket } of all) socket.pause();
    const windowOf = new Map(ids.map((id) => [id, STREAM_WINDOW]));
    let sent = 0;
    /** Sends what it may. @returns whether that was anything */
    const send = (): boolean => {
      const credit = client.received.reduce((sum, { type, id, payload }) => sum + (type === 'WINDOW_UPDATE' && id === 0 ? payload.readUInt32BE(0) : 0), 65_535);
      const before = sent;
      for (const [id, left] of windowOf) {
        if (left < FRAME || credit - sent < FRAME) continue;
        client.data(id, Buffer.alloc(FRAME));
        windowOf.set(id, left - FRAME);
        sent += FRAME;
      }
      return sent > before;
    };
    for (let idle = 0; idle < 3; idle += 1) {
      while (send()) {
        await client.settle();
        idle = 0;
      }
      await client.settle();
    }
    const bound = CONNECTION_WINDOW + 2 * MAX_PARKED;
    assert.ok(sent <= bound, `${sent} bytes of the client, and the bound is ${bound}`);
    const { buffered } = rig.router.statistics();
    // Credit comes in steps of half a window; the kernel has some.
    assert.ok(buffered <= bound + SLACK && buffered >= bound - CONNECTION_WINDOW / 2 - 2 * MIB, `${buffered} bytes wait, and the bound is ${bound}`);
    client[Symbol.dispose]();
    for (const worker of workers) worker.die();
  });
});

test('toward a worker that stands still: so much of calls that are given up as soon as they are begun', async () => {
  await withTwoWorkers(async (rig, [worker]) => {
    rig.router.withdrawWorker(2);
    const client = await rig.rawClient();
    client.call(1, '/a.B/c');
    await client.settle();
    await rig.until(() => worker.links.length === 1, 'a link');
    for (const { socket } of worker.links) socket.pause();
    const metadata = [['a', 'x'.repeat(15_000)]] as const;
    for (let id = 3; id < 3 + 2 * 4000; id += 2) {
      client.call(id, '/a.B/c', { metadata });
      client.out.rstStream(id, ERROR_CODE.CANCEL);
      if (id % 100 === 1) await client.settle();
    }
    await client.settle();
    const { buffered, refused } = rig.router.statistics();
    assert.ok(buffered <= MOST_UNSENT + SLACK, `${buffered} bytes wait, and the bound is ${MOST_UNSENT}`);
    assert.ok(refused['queue-full'] > 0);
    client[Symbol.dispose]();
    worker.die();
  });
});

test('toward a client that does not read: one window of each link', async () => {
  await withTwoWorkers(async (rig, workers) => {
    const client = await rig.rawClient({ INITIAL_WINDOW_SIZE: 64 * MIB });
    client.out.windowUpdate(0, 512 * MIB);
    for (const id of [1, 3]) client.call(id, '/a.B/c');
    await client.settle();
    await rig.until(() => [1, 3].every((id) => workers.some((worker) => worker.linkOf(id))), 'both calls');
    client.socket.pause();
    for (const id of [1, 3]) {
      const link = workers.map((worker) => worker.linkOf(id)).find((one) => one !== undefined) ?? assert.fail();
      link.headers(id, OK_HEADERS);
      // As a worker does: the window of the link, and then as much as is credited.
      let sent = 0;
      const more = (): void => {
        const credit = link.framesOf('WINDOW_UPDATE').reduce((sum, frame) => sum + (frame.id === 0 ? frame.payload.readUInt32BE(0) : 0), LINK_WINDOW);
        for (; sent + FRAME <= credit; sent += FRAME) link.data(id, Buffer.alloc(FRAME));
      };
      for (const worker of workers) worker.onFrames = worker.links.includes(link) ? more : worker.onFrames;
      more();
    }
    await rig.until(() => rig.router.statistics().buffered >= 2 * LINK_WINDOW - SLACK, 'both links to be full');
    const { buffered } = rig.router.statistics();
    // What the socket of the client has already is counted there too.
    assert.ok(buffered <= 2 * 2 * LINK_WINDOW + SLACK, `${buffered} bytes`);
    client[Symbol.dispose]();
    for (const worker of workers) worker.die();
  });
});

test('the page says what the constants are', () => {
  const page = readFileSync(`${ROOT}docs/router.md`, 'utf8');
  for (const [name, bytes] of Object.entries({ CONNECTION_WINDOW, MAX_PARKED, STREAM_WINDOW, MOST_UNSENT, waiting: MOST_WAITING.bytes })) {
    assert.ok(page.includes(`${bytes / MIB} MiB`), name);
  }
  assert.ok(page.includes(`${LINK_WINDOW / 1024} KiB`), 'LINK_WINDOW');
});
