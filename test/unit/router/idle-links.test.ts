// Links that nobody uses any more close, and cost nothing from then on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { LINK_IDLE } from '#src/router/router.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeWorker, OK_HEADERS, OK_TRAILERS } from '../../support/fake-worker.js';
import { call, RouterRig, type Handlers } from '../../support/router-rig.js';

const ECHO: Handlers = { unary: (given, callback) => callback(null, given.request) };

test('a link without calls closes when none has come from one look to the next; the connection stays, and its next call opens another', async () => {
  const clock = new FakeClock();
  await using rig = await RouterRig.start({ workers: [ECHO], clock });
  const client = rig.client();
  const links = (): number => rig.router.statistics().links;
  for (let round = 0; round < 2; round += 1) {
    assert.equal((await call(client, 'unary')).code, status.OK);
    await rig.quiet();
    clock.advance(LINK_IDLE);
    assert.equal((await call(client, 'unary')).code, status.OK);
    await rig.quiet();
    // There was a call meanwhile.
    clock.advance(LINK_IDLE);
    assert.equal(links(), 1);
    clock.advance(LINK_IDLE);
    await rig.until(() => links() === 0, 'the end of the link');
    // The one of the pings stays.
    assert.deepEqual([rig.workers[0]?.links.connections, rig.router.statistics().connections], [1, 1]);
  }
});

test('a link whose call is long stays, and takes others', async () => {
  const clock = new FakeClock();
  await using rig = await RouterRig.start({ clock });
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  rig.admit(worker);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c');
  await client.settle();
  await rig.until(() => worker.linkOf(1) !== undefined, 'the call');
  for (let look = 0; look < 5; look += 1) clock.advance(LINK_IDLE);
  client.call(3, '/a.B/c');
  await client.settle();
  await rig.until(() => worker.linkOf(3) !== undefined, 'another call');
  assert.equal(worker.linkOf(3), worker.linkOf(1));
  for (const id of [1, 3]) worker.linkOf(id)?.headers(id, [...OK_HEADERS, ...OK_TRAILERS], true);
  for (const id of [1, 3]) await client.frameOf('HEADERS', id);
  client[Symbol.dispose]();
});

test('a router that is closed looks no more', async () => {
  const clock = new FakeClock();
  const rig = await RouterRig.start({ clock });
  await rig[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});

test('for real', { skip: process.env.PROVE === undefined && 'takes a minute: npm run prove' }, async () => {
  await using rig = await RouterRig.start({ workers: [ECHO, ECHO] });
  const clients = Array.from({ length: 20 }, () => rig.client());
  await Promise.all(clients.flatMap((client) => [call(client, 'unary'), call(client, 'unary')]));
  assert.ok(rig.router.statistics().links >= 20);
  await rig.until(() => rig.router.statistics().links === 0, 'no links');
  assert.equal(rig.router.statistics().connections, 20);
});
