// A call that is made whole again from what a lost link had not sent, and is too large to wait.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link, SwitchOwner } from '#src/front/link.js';
import { encodeProxyHeader } from '#src/front/proxy-header.js';
import { CallUnits } from '#src/router/call-units.js';
import { RefusedCalls } from '#src/router/refused-calls.js';
import { Switch } from '#src/router/switch.js';
import { WaitingCalls } from '#src/router/waiting-calls.js';
import { WorkerRoster } from '#src/router/worker-roster.js';
import { systemClock } from '#src/shared/clock.js';
import { Deadline } from '../../support/deadline.js';
import { FakeWorker } from '../../support/fake-worker.js';
import { block } from '../../support/link-client.js';
import { TempDir } from '../../support/temp-dir.js';

const PEER = encodeProxyHeader({ remoteAddress: '127.0.0.1', remotePort: 1, localAddress: '127.0.0.1', localPort: 2, certificate: null }, false);
const HEADERS = block([[':method', 'POST'], [':path', '/a.B/c']]);

test('it is refused once, and no other worker hears of it', async () => {
  using folder = new TempDir();
  using worker = await FakeWorker.listen(folder.join('1.sock'), 1);
  using other = await FakeWorker.listen(folder.join('2.sock'), 2);
  const deadline = new Deadline(30_000);
  const refused = new RefusedCalls();
  const units = new CallUnits({ clock: systemClock, ask: () => undefined, giveBack: () => undefined });
  const room = new WaitingCalls(60_000, systemClock, refused, { calls: 10, bytes: 1000 });
  const roster = new WorkerRoster({ clock: systemClock, onGood: () => room.serve(), onLeft: () => undefined });
  const answered: number[] = [];
  const links = new Map<number, Link>();
  const owner: SwitchOwner = {
    headers: (id) => void answered.push(id), data: () => true, reset: () => undefined, windowUpdate: () => undefined,
    took: () => undefined, fail: () => undefined, move: (id, link) => void links.set(id, link), lost: () => 0,
  };
  const client = new Switch(owner, PEER, { roster, units, room, refused, clock: systemClock, onLost: () => undefined });
  const begin = (id: number, bytes: number): void => {
    const link = client.choose(id, HEADERS, 0, HEADERS.length);
    links.set(id, link);
    link.headers(id, HEADERS, 0, HEADERS.length, false);
    links.get(id)?.data(id, Buffer.alloc(bytes), 0, bytes, false);
  };
  roster.admit(worker.place);
  begin(1, 10);
  const linked = await deadline.poll(() => worker.linkOf(1), 'the first call');
  // Full, so that what follows is not sent.
  linked.socket.pause();
  for (let sent = 0; sent < 60; sent += 1) links.get(1)?.data(1, Buffer.alloc(16_384), 0, 16_384, false);
  await new Promise((resolve) => setTimeout(resolve, 50));
  begin(3, 2000);
  begin(5, 20);
  assert.equal(units.taken, 3);
  worker.die();
  await deadline.poll(() => (answered.length > 0 ? true : undefined), 'the refusal');
  roster.admit(other.place);
  await deadline.poll(() => (other.linkOf(5) !== undefined ? true : undefined), 'the call that there was room for');
  assert.equal(other.linkOf(3), undefined);
  assert.deepEqual([answered, refused.counts['queue-full'], room.size, units.taken], [[3], 1, 0, 1]);
  client.close();
  roster.withdraw(1);
  for (const { place } of [worker, other]) roster.gone(place.id);
});
