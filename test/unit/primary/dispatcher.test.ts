// Which worker gets a connection, and what becomes of those that no worker has acknowledged.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Dispatcher, type RefusalReason } from '#src/primary/dispatcher.js';
import { FakeClock } from '../../support/fake-clock.js';

class FakeSocket extends EventEmitter {
  isOpen = true;

  constructor(readonly remoteAddress: string | undefined) {
    super();
  }

  destroy(): void {
    this.isOpen = false;
  }
}

class Rig {
  readonly clock = new FakeClock();
  readonly refused: RefusalReason[] = [];
  /** Per worker: the ids of the sockets it was given, and of those it was asked about. */
  readonly given = new Map<number, { id: number; socket: FakeSocket }[]>();
  readonly asked: number[] = [];
  readonly dispatcher: Dispatcher;

  constructor(limits: { maxConnections?: number; maxConnectionsPerAddress?: number; maxHeld?: number } = {}) {
    this.dispatcher = new Dispatcher({
      clock: this.clock,
      maxConnections: 100, maxConnectionsPerAddress: null,
      maxHeld: 100,
      queueTimeout: 1000,
      onRefused: (reason) => this.refused.push(reason),
      ...limits,
    });
  }

  admit(worker: number): void {
    this.given.set(worker, []);
    this.dispatcher.admit(worker, {
      slot: worker,
      // The dispatcher uses only what FakeSocket has of a Socket.
      give: (id, socket) => this.given.get(worker)?.push({ id, socket: socket as unknown as FakeSocket }),
      confirm: (id) => this.asked.push(id),
    });
  }

  connect(address?: string): FakeSocket {
    const socket = new FakeSocket(address);
    this.dispatcher.dispatch(socket as unknown as Socket);
    return socket;
  }

  counts(): number[] {
    return [...this.given.values()].map((sockets) => sockets.length);
  }
}

test('each connection goes to the worker with the fewest, and our copy stays open until it is acknowledged', () => {
  const rig = new Rig();
  rig.admit(0);
  rig.admit(1);
  const [first] = [rig.connect(), rig.connect(), rig.connect(), rig.connect()];
  assert.deepEqual(rig.counts(), [2, 2]);
  assert.equal(first.isOpen, true);
  rig.dispatcher.acknowledged(0, rig.given.get(0)?.[0]?.id ?? 0);
  assert.equal(first.isOpen, false);
  assert.deepEqual(rig.refused, []);
});

test('a worker that does not acknowledge gets no more; what it was given goes to another when its exit was seen', () => {
  const rig = new Rig();
  rig.admit(0);
  rig.connect();
  rig.clock.advance(300);
  rig.admit(1);
  rig.connect();
  rig.connect();
  assert.deepEqual(rig.counts(), [1, 2]);
  rig.dispatcher.gone(0);
  assert.deepEqual(rig.counts(), [1, 3]);
});

test('a worker is asked once about an order that it does not acknowledge, and a lost one is refused and reported', () => {
  const rig = new Rig();
  rig.admit(0);
  const socket = rig.connect();
  rig.clock.advance(190);
  assert.deepEqual(rig.asked, []);
  rig.clock.advance(1000);
  const id = rig.given.get(0)?.[0]?.id ?? 0;
  assert.deepEqual(rig.asked, [id]);
  rig.dispatcher.lost(0, id);
  assert.deepEqual([rig.refused, socket.isOpen], [['out-of-descriptors'], false]);
  rig.connect();
  assert.deepEqual(rig.counts(), [2], 'it is no longer stalled');
});

test('an order that was overtaken by a later one is lost', () => {
  const rig = new Rig();
  rig.admit(0);
  const [lost, taken] = [rig.connect(), rig.connect()];
  rig.dispatcher.acknowledged(0, rig.given.get(0)?.[1]?.id ?? 0);
  assert.deepEqual([rig.refused, lost.isOpen, taken.isOpen], [['out-of-descriptors'], false, false]);
  assert.equal(rig.dispatcher.connectionsOf(0), 1);
});

test('no more connections are held than this process has descriptors for', () => {
  const rig = new Rig({ maxHeld: 3 });
  rig.admit(0);
  for (let client = 0; client < 5; client += 1) rig.connect();
  assert.deepEqual([rig.counts(), rig.refused], [[3], ['queue-full', 'queue-full']]);
});

test('connections that waited too long for a worker are refused', () => {
  const rig = new Rig();
  rig.connect();
  rig.clock.advance(900);
  rig.connect();
  rig.clock.advance(400);
  assert.deepEqual([rig.refused, rig.dispatcher.waiting], [['queue-timeout'], 1]);
});

test('after close nothing is held, and nothing is left to do later', () => {
  const rig = new Rig();
  rig.connect();
  rig.admit(0);
  rig.connect();
  rig.dispatcher.withdraw(0);
  rig.connect();
  rig.dispatcher.close();
  assert.deepEqual([rig.refused, rig.clock.pending], [['stopping'], 0]);
});

test('one address has no more connections than it may, wherever they are, and may have others when they are gone', () => {
  const rig = new Rig({ maxConnectionsPerAddress: 2 });
  rig.admit(0);
  rig.admit(1);
  rig.connect('192.0.2.1');
  rig.connect('::ffff:192.0.2.1');
  assert.equal(rig.connect('192.0.2.1').isOpen, false);
  assert.deepEqual(rig.refused, ['over-address-limit']);
  assert.equal(rig.connect('192.0.2.2').isOpen, true);
  // Those of unix sockets are nobody's.
  for (let count = 0; count < 5; count += 1) assert.equal(rig.connect().isOpen, true);

  const [first] = rig.given.get(0) ?? [];
  assert(first);
  rig.dispatcher.acknowledged(0, first.id);
  assert.equal(rig.connect('192.0.2.1').isOpen, false, 'it has it still');
  rig.dispatcher.closed(0, [first.id, first.id, 4711]);
  assert.equal(rig.connect('192.0.2.1').isOpen, true);
  assert.equal(rig.connect('192.0.2.1').isOpen, false);
});

test('connections of a worker that is gone count for nobody; those that it never took still do', () => {
  const rig = new Rig({ maxConnectionsPerAddress: 2 });
  rig.admit(0);
  rig.connect('192.0.2.1');
  rig.connect('192.0.2.1');
  rig.dispatcher.acknowledged(0, rig.given.get(0)?.[0]?.id ?? 0);
  rig.dispatcher.gone(0);
  assert.equal(rig.connect('192.0.2.1').isOpen, true);
  assert.equal(rig.connect('192.0.2.1').isOpen, false);
  rig.dispatcher.close();
  assert.deepEqual(rig.refused, ['over-address-limit', 'stopping', 'stopping']);
});

test('a limit for each address counts those that came before it', () => {
  const rig = new Rig();
  rig.admit(0);
  for (let count = 0; count < 3; count += 1) rig.connect('192.0.2.1');
  rig.dispatcher.setLimits({ maxConnections: 100, maxConnectionsPerAddress: 3 });
  assert.equal(rig.connect('192.0.2.1').isOpen, false);
});

test('an acknowledgement costs the same however many wait', () => {
  const most = 5000;
  const rig = new Rig({ maxConnections: 2 * most, maxHeld: 2 * most });
  rig.admit(0);
  rig.connect();
  rig.connect();
  rig.clock.advance(300);
  for (let number = 0; number < most; number += 1) rig.connect();
  assert.equal(rig.dispatcher.waiting, most);
  let readings = 0;
  const { clock } = rig;
  const read = clock.monotonic.bind(clock);
  clock.monotonic = () => {
    readings += 1;
    return read();
  };
  const [first, second] = rig.given.get(0) ?? [];
  rig.dispatcher.acknowledged(0, first?.id ?? 0);
  assert.equal(rig.dispatcher.waiting, most, 'the second one is late as well');
  assert.ok(readings < 10, `${readings} looks at the clock`);
  rig.dispatcher.acknowledged(0, second?.id ?? 0);
  assert.equal(rig.dispatcher.waiting, 0);
  assert.deepEqual(rig.refused, []);
});
