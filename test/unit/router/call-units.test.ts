// The cap on calls: units, their owner, and both together before real workers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { UnitOwner, type UnitBorrower } from '#src/primary/unit-owner.js';
import { MOST_WAITING } from '#src/router/waiting-calls.js';
import { CallUnits } from '#src/router/call-units.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeWorker, OK_HEADERS, OK_TRAILERS } from '../../support/fake-worker.js';
import { randomFrom } from '../../support/random.js';
import { call, RouterRig, type Handlers } from '../../support/router-rig.js';

const nobody = { unitFound: (): void => undefined, unitRefused: (): void => undefined };

/** A router's units, and what it says to the primary. */
function lonelyUnits(): { units: CallUnits; clock: FakeClock; said: string[] } {
  const clock = new FakeClock();
  const said: string[] = [];
  const units = new CallUnits({ clock, ask: (count) => said.push(`ask ${count}`), giveBack: (count, when) => said.push(`back ${count} ${when}`) });
  return { units, clock, said };
}

test('without a cap every call has a unit', () => {
  const { units } = lonelyUnits();
  for (let taken = 0; taken < 1000; taken += 1) assert.equal(units.take(), true);
  assert.deepEqual([units.isLimited, units.taken], [false, 1000]);
});

test('there are as many units as were lent', () => {
  const { units } = lonelyUnits();
  units.lend(2, true);
  assert.deepEqual([units.take(), units.take(), units.take()], [true, true, false]);
  units.release();
  assert.equal(units.take(), true);
});

test('a router that is out of units asks once for all that wait, and refuses after 100 ms', () => {
  const { units, clock, said } = lonelyUnits();
  units.lend(0, false);
  const heard: string[] = [];
  for (const name of ['a', 'b']) units.seek({ unitFound: () => heard.push(`${name} found`), unitRefused: () => heard.push(`${name} refused`) });
  assert.deepEqual(said, ['ask 1']);
  clock.advance(99);
  assert.deepEqual(heard, []);
  clock.advance(1);
  assert.deepEqual(heard, ['a refused', 'b refused']);
});

test('the answer goes to the first that waits; for others it asks again, and refuses when there is none', () => {
  const { units, clock, said } = lonelyUnits();
  units.lend(0, false);
  const heard: string[] = [];
  for (const name of ['a', 'b']) units.seek({ unitFound: () => heard.push(`${name} found`), unitRefused: () => heard.push(`${name} refused`) });
  units.lend(1, false);
  assert.deepEqual([heard, said], [['a found'], ['ask 1', 'ask 1']]);
  units.lend(0, false);
  assert.deepEqual([heard, clock.pending], [['a found', 'b refused'], 0]);
});

test('a unit that gets free meanwhile goes to the first that waits, and not to one that gave up', () => {
  const { units } = lonelyUnits();
  units.lend(1, false);
  units.take();
  const heard: string[] = [];
  units.seek(nobody);
  units.seek({ ...nobody, unitFound: () => heard.push('found') });
  units.giveUp(nobody);
  units.release();
  assert.deepEqual([heard, units.taken], [['found'], 1]);
});

test('units are given back when they are free: now, or one by one', () => {
  const { units, said } = lonelyUnits();
  units.lend(3, false);
  units.take();
  units.take();
  units.reclaim(2, 'now');
  units.reclaim(2, 'later');
  assert.deepEqual(said, ['back 1 now']);
  units.release();
  units.release();
  assert.deepEqual(said, ['back 1 now', 'back 1 later', 'back 1 later']);
  assert.equal(units.take(), false);
  // It owes no more, and keeps what it is lent from now on...
  units.lend(2, false);
  units.take();
  units.release();
  assert.equal(said.length, 3);
  // ...until that is wanted, too; what is free then is not waited with.
  units.reclaim(1, 'later');
  assert.deepEqual(said.slice(3), ['back 1 later']);
});

test('units of three routers are never more than the cap, whatever is asked, returned, changed or lost; and nobody waits in vain', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = randomFrom(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    let cap = 1 + pick(6);
    const owner = new UnitOwner(cap);
    /** Messages on their way, of each direction of each router in order. */
    const wires: (() => void)[][] = [];
    const routers = new Map<UnitBorrower, { readonly units: CallUnits; readonly clock: FakeClock; waiting: number }>();
    const add = (): void => {
      const [down, up]: (() => void)[][] = [[], []];
      assert(down && up);
      wires.push(down, up);
      const clock = new FakeClock();
      const units = new CallUnits({ clock, ask: (count) => up.push(() => owner.wanted(borrower, count)), giveBack: (count, when) => up.push(() => owner.returned(borrower, count, when)) });
      const borrower: UnitBorrower = { lend: (count, isAlone) => down.push(() => units.lend(count, isAlone)), reclaim: (count, when) => down.push(() => units.reclaim(count, when)) };
      units.lend(0, false);
      routers.set(borrower, { units, clock, waiting: 0 });
      owner.add(borrower);
    };
    for (let count = 0; count < 3; count += 1) add();
    let most = cap;
    const deliver = (): void => wires[pick(wires.length)]?.shift()?.();
    const taken = (): number => [...routers.values()].reduce((sum, { units }) => sum + units.taken, 0);
    for (let step = 0; step < 300; step += 1) {
      const [borrower, router] = [...routers][pick(routers.size)] ?? [];
      if (borrower === undefined || router === undefined) break;
      const what = pick(12);
      if (what < 4) {
        if (!router.units.take()) {
          router.waiting += 1;
          router.units.seek({ unitFound: () => (router.waiting -= 1), unitRefused: () => (router.waiting -= 1) });
        }
      } else if (what < 6 && router.units.taken > 0) router.units.release();
      else if (what === 6 && random() < 0.1) {
        // It dies, with what was on its way to and from it.
        routers.delete(borrower);
        owner.remove(borrower);
        for (const wire of wires) wire.length = 0;
        add();
        // The wires of the others are cut too, in this play; so are they.
        for (const [other] of [...routers].slice(0, -1)) {
          routers.delete(other);
          owner.remove(other);
        }
        add();
      } else if (what === 7 && random() < 0.2) {
        cap = 1 + pick(6);
        owner.setLimit(cap);
        most = Math.max(most, cap);
      } else deliver();
      assert.ok(taken() <= most, `seed ${seed}: ${taken()} above ${most}`);
      // A smaller cap holds when everybody has heard of it.
      if (taken() <= cap && wires.every(({ length }) => length === 0)) most = cap;
    }
    while (wires.some(({ length }) => length > 0)) deliver();
    for (const { clock } of routers.values()) clock.advance(100);
    while (wires.some(({ length }) => length > 0)) deliver();
    assert.deepEqual([...routers.values()].map(({ waiting }) => waiting), [...routers].map(() => 0), `seed ${seed}`);
  }
});

test('two routers and three workers: never more calls than the cap, all of the cap in use, and the excess refused as ever', async () => {
  const CAP = 5;
  let now = 0;
  let most = 0;
  const busy: Handlers = {
    unary(_call, callback) {
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        callback(null, Buffer.from('done'));
      }, 5);
    },
  };
  await using rig = await RouterRig.start({ workers: [busy, busy, busy], routers: 2, cap: CAP });
  const outcomes: Record<string, number> = {};
  const load = async (index: number): Promise<void> => {
    const client = rig.client(rig.routers[index % 2]);
    for (let made = 0; made < 40; made += 1) {
      const { code, details } = await call(client, 'unary');
      const outcome = code === status.OK ? 'OK' : `${code} ${details}`;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, index) => load(index)));
  assert.deepEqual([most, Object.keys(outcomes).sort()], [CAP, ['8 Concurrent RPC limit exceeded!', 'OK']]);
  // One router alone gets all of the cap, from the other.
  most = 0;
  outcomes.OK = 0;
  await Promise.all(Array.from({ length: 6 }, () => load(0)));
  assert.equal(most, CAP);
});

test('a router that is out of units asks before it refuses, and one that is alone need not', async () => {
  await using rig = await RouterRig.start({ cap: 1, routers: 2 });
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  rig.admit(worker);
  // The first has the only unit; the second gets it, and the first asks in vain.
  const [first, second] = rig.routers;
  assert(first && second);
  const lucky = await rig.rawClient({}, second);
  lucky.call(1, '/a.B/c');
  await lucky.settle();
  await rig.until(() => worker.linkOf(1) !== undefined, 'the call');
  const late = await rig.rawClient({}, first);
  late.call(3, '/a.B/c', { endStream: true });
  assert.equal(late.decode((await late.frameOf('HEADERS', 3)).payload).at(-1)?.[1], 'Concurrent RPC limit exceeded!');
  assert.deepEqual([first.asked, second.asked], [1, 1]);
  assert.deepEqual(first.router.statistics().refused, { limit: 1, 'no-worker': 0, 'queue-full': 0 });
  for (const client of [lucky, late]) client[Symbol.dispose]();

  await using lone = await RouterRig.start({ cap: 1, workers: [{ unary: () => undefined }] });
  const client = await lone.rawClient();
  client.call(1, '/test.Calls/unary').call(3, '/test.Calls/unary');
  await client.frameOf('HEADERS', 3);
  assert.equal(lone.first.asked, 0);
  assert.deepEqual(lone.router.statistics().refused, { limit: 1, 'no-worker': 0, 'queue-full': 0 });
  client[Symbol.dispose]();
});

test('a call that is cancelled while it waits for a unit takes none', async () => {
  await using rig = await RouterRig.start({ cap: 1, routers: 2 });
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  rig.admit(worker);
  const [, second] = rig.routers;
  assert(second);
  const client = await rig.rawClient({}, second);
  // In one write: when the unit comes, which the first router had, the first call does not wait for it any more.
  client.call(1, '/a.B/c').out.rstStream(1, 8);
  client.call(3, '/a.B/c', { endStream: true });
  await client.settle();
  await rig.until(() => worker.linkOf(3) !== undefined, 'the next call');
  assert.deepEqual([worker.linkOf(1), second.router.units.taken], [undefined, 1]);
  worker.linkOf(3)?.headers(3, [...OK_HEADERS, ...OK_TRAILERS], true);
  await client.frameOf('HEADERS', 3);
  await rig.quiet();
  client[Symbol.dispose]();
});

test('a call that finds no room to wait gives its unit back', async () => {
  await using rig = await RouterRig.start({ cap: 2 * MOST_WAITING.calls, limits: { maxConcurrentStreams: 2 * MOST_WAITING.calls, queueTimeout: 60_000 } });
  const client = await rig.rawClient();
  for (let call = 0; call <= MOST_WAITING.calls; call += 1) client.call(2 * call + 1, '/a.B/c', { endStream: true });
  const last = 2 * MOST_WAITING.calls + 1;
  assert.match(String(client.decode((await client.frameOf('HEADERS', last)).payload).at(-1)?.[1]), /too many calls wait/);
  assert.deepEqual([rig.router.units.taken, rig.router.statistics().refused['queue-full']], [MOST_WAITING.calls, 1]);
  client[Symbol.dispose]();
});

test('an excess call reaches no worker, and health calls are neither counted nor refused', async () => {
  await using rig = await RouterRig.start({ cap: 1 });
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  rig.admit(worker);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c', { endStream: true });
  client.call(3, '/a.B/c', { endStream: true });
  for (const id of [5, 7]) client.call(id, '/grpc.health.v1.Health/Watch', { endStream: true });
  const refusal = client.decode((await client.frameOf('HEADERS', 3)).payload);
  assert.deepEqual(refusal.slice(2), [['grpc-status', '8'], ['grpc-message', 'Concurrent RPC limit exceeded!']]);
  await rig.until(() => worker.linkOf(7) !== undefined, 'the health calls');
  assert.deepEqual([1, 3, 5, 7].filter((id) => worker.linkOf(id) !== undefined), [1, 5, 7]);
  assert.equal(rig.router.units.taken, 1);
  const link = worker.linkOf(1);
  for (const id of [5, 7, 1]) link?.headers(id, [...OK_HEADERS, ...OK_TRAILERS], true);
  await client.frameOf('HEADERS', 1);
  await rig.quiet();
  client[Symbol.dispose]();
});

test('a call that its client gave up holds its unit until the worker has read that', async () => {
  await using rig = await RouterRig.start({ cap: 1 });
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  rig.admit(worker);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c');
  await client.settle();
  await rig.until(() => worker.linkOf(1) !== undefined, 'the call');
  worker.answersPings = false;
  client.out.rstStream(1, 8);
  await client.settle();
  await rig.until(() => worker.linkOf(1)?.framesOf('PING').length === 1, 'the question');
  assert.deepEqual([rig.router.units.taken, rig.router.statistics().inFlight], [1, 1]);
  client.call(3, '/a.B/c', { endStream: true });
  assert.equal(client.decode((await client.frameOf('HEADERS', 3)).payload).at(-1)?.[1], 'Concurrent RPC limit exceeded!');
  const link = worker.linkOf(1);
  link?.out.ping(link.framesOf('PING')[0]?.payload ?? Buffer.alloc(8), true);
  link?.flush();
  await rig.until(() => rig.router.units.taken === 0, 'the unit');
  worker.answersPings = true;
  client[Symbol.dispose]();
});

test('a client that is gone leaves its units with the worker until that has closed its end', async () => {
  await using rig = await RouterRig.start({ cap: 5 });
  using worker = await FakeWorker.listen(rig.folder.join('w.sock'), 1);
  rig.admit(worker);
  const client = await rig.rawClient();
  client.call(1, '/a.B/c').call(3, '/a.B/c');
  await client.settle();
  await rig.until(() => worker.linkOf(3) !== undefined, 'the calls');
  worker.closesToo = false;
  client[Symbol.dispose]();
  await rig.until(() => rig.router.statistics().connections === 0, 'the end of the client');
  await rig.until(() => worker.linkOf(1)?.socket.readableEnded === true, 'the news of it at the worker');
  assert.equal(rig.router.units.taken, 2);
  worker.linkOf(1)?.socket.end();
  await rig.quiet();
});

test('streams of which both sides went on and off leave no unit behind, wherever their clients gave them up', async () => {
  const service: Handlers = {
    unary: (_call, callback) => setImmediate(() => callback(null, Buffer.alloc(10))),
    serverStream(stream) {
      for (let count = 0; count < 5; count += 1) stream.write(Buffer.alloc(1000));
      setImmediate(() => stream.end());
    },
    clientStream(stream, callback) {
      stream.on('data', () => undefined);
      stream.on('end', () => callback(null, Buffer.alloc(1)));
    },
    bidi(stream) {
      stream.on('data', (message) => stream.write(message));
      stream.on('end', () => stream.end());
    },
  };
  await using rig = await RouterRig.start({ workers: [service, service], cap: 1000 });
  const client = rig.client();
  const random = randomFrom(7);
  const kinds = ['unary', 'clientStream', 'serverStream', 'bidi'] as const;
  await Promise.all(Array.from({ length: 400 }, async (_, index) => {
    const turns = Math.floor(random() * 12);
    const kind = kinds[index % 4] ?? 'unary';
    await call(client, kind, [Buffer.alloc(100), Buffer.alloc(20_000)].slice(0, kind === 'clientStream' || kind === 'bidi' ? 2 : 1), (stream) => {
      const later = (left: number): void => {
        if (left === 0) stream.cancel();
        else setImmediate(() => later(left - 1));
      };
      later(turns);
    });
  }));
  await rig.quiet();
});
