// The fleet's size and the age of its workers on a fake clock: supervisor and upkeep together, as main.ts joins them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import type { Load } from '#src/ipc/messages.js';
import { Dispatcher } from '#src/primary/dispatcher.js';
import type { RollResult } from '#src/primary/plan.js';
import { PROBATION, Supervisor } from '#src/primary/supervisor.js';
import { Upkeep } from '#src/primary/upkeep.js';
import { FakeClock } from '../../support/fake-clock.js';
import { fakeFork, type FakeProcess } from '../../support/fake-fork.js';
import { generationOf } from '../../support/generation.js';

const IDLE: Load = { connections: 0, inFlight: 0, calls: 0, eventLoopDelay: 0, eventLoopUtilization: 0, rss: 50e6, heapUsed: 1, p99: 0, oldestCall: null, cpu: 0, served: { inFlight: 0, ended: 0, failed: 0 } };
const BUSY: Load = { ...IDLE, inFlight: 3, eventLoopUtilization: 1 };
const HEARTBEAT = 2000;
const MINUTE = 60_000;

type LoadOf = (slot: number, pid: number) => Load | null;

class Rig {
  readonly clock = new FakeClock();
  readonly processes: FakeProcess[];
  readonly supervisor: Supervisor;
  readonly events: { name: string; fields: Record<string, unknown> }[] = [];
  /** Whether what is on disk is what the generation was proven with. */
  isProven = true;

  constructor(settings: UserConfig, random: () => number) {
    const { fork, processes } = fakeFork();
    this.processes = processes;
    this.supervisor = new Supervisor({
      clock: this.clock,
      emit: (name, fields) => this.events.push({ name, fields }),
      random,
      fork,
      dispatcher: new Dispatcher({ clock: this.clock, maxConnections: 100, maxConnectionsPerAddress: null, maxHeld: 100, queueTimeout: 1000, onRefused: () => undefined }),
      generation: generationOf({ bootConcurrency: 8, ...settings }),
      onReady: () => undefined,
      onStopping: () => undefined,
      onChange: () => undefined,
      isCodeProven: () => Promise.resolve(this.isProven),
      onMessage(handle, message) {
        if (message.type === 'heartbeat') upkeep.noteHeartbeat(handle, message);
        else if (message.type === 'recycle-wanted') upkeep.noteWish(handle, message.cause);
      },
    });
    const upkeep = new Upkeep({ clock: this.clock, random, supervisor: this.supervisor });
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  processOf(pid: number | null): FakeProcess {
    const process = this.processes.find((candidate) => candidate.process.pid === pid);
    assert.ok(process, `process ${String(pid)} is there`);
    return process;
  }

  /** Those that start become ready, those that drain leave. */
  async settle(): Promise<void> {
    for (const { pid, state } of this.supervisor.workers) {
      const process = this.processOf(pid);
      if (state === 'starting') process.says({ type: 'awake' });
      if (state === 'starting') process.says({ type: 'ready', services: [] });
      if (state === 'draining') process.exits(0);
    }
    await this.turn();
  }

  async beat(loadOf: LoadOf): Promise<void> {
    this.clock.advance(HEARTBEAT);
    for (const { pid, slot, state } of this.supervisor.workers) {
      const load = state === 'ready' ? loadOf(slot, pid ?? 0) : null;
      if (load !== null) this.processOf(pid).says({ type: 'heartbeat', ...load });
    }
    await this.turn();
  }

  /** Time passes, and what wants to start or leave does. */
  async pass(ms: number, loadOf: LoadOf): Promise<void> {
    for (let passed = 0; passed < ms; passed += HEARTBEAT) {
      await this.beat(loadOf);
      await this.settle();
    }
  }

  /** Until the fleet has that size; returns how long it took. */
  async until(workers: number, loadOf: LoadOf, limit: number): Promise<number> {
    let passed = 0;
    for (; this.supervisor.workers.length !== workers && passed <= limit; passed += HEARTBEAT) await this.pass(HEARTBEAT, loadOf);
    assert.equal(this.supervisor.workers.length, workers, `after ${passed} ms`);
    return passed;
  }

  /** Lets a reload run to its end. */
  async finish(result: Promise<RollResult>): Promise<RollResult> {
    for (let round = 0; round < 6; round += 1) {
      await this.turn();
      await this.settle();
      this.clock.advance(PROBATION);
    }
    const open = this.turn().then(() => assert.fail(`not over: ${JSON.stringify(this.supervisor.workers.map(({ label, state }) => ({ ...label, state })))}`));
    return await Promise.race([result, open]);
  }

  get size(): [number, string] {
    const { workers, source } = this.supervisor.plan.goal;
    return [workers, source];
  }

  slots(): number[] {
    return this.supervisor.workers.map(({ slot }) => slot);
  }

  count(name: string): number {
    return this.events.filter((event) => event.name === name).length;
  }

  causes(name: string): unknown[] {
    return this.events.filter((event) => event.name === name).map(({ fields }) => fields.cause);
  }
}

async function serving(settings: UserConfig, random = (): number => 0.5): Promise<Rig> {
  const rig = new Rig(settings, random);
  rig.supervisor.start();
  await rig.turn();
  await rig.settle();
  assert.equal(rig.supervisor.phase, 'serving');
  return rig;
}

const idle: LoadOf = () => IDLE;
const busy: LoadOf = () => BUSY;
const ELASTIC = { minWorkers: 1, maxWorkers: 4 } as const;

describe('an elastic fleet', () => {
  test('starts with the fewest, grows under load to the most, and shrinks to the fewest when the load is over', async () => {
    const rig = await serving(ELASTIC);
    assert.deepEqual([rig.slots(), rig.size], [[0], [1, 'config']]);
    const grew = await rig.until(4, busy, 30_000);
    assert.ok(grew >= 12_000, 'two steps');
    assert.deepEqual(rig.size, [4, 'elastic']);
    await rig.pass(5 * MINUTE, busy);
    assert.deepEqual(rig.slots(), [0, 1, 2, 3]);

    await rig.until(1, idle, 3 * MINUTE);
    assert.deepEqual([rig.slots(), rig.size], [[0], [1, 'elastic']]);
    const steps = rig.events.filter(({ name }) => name === 'fleet.scaled').map(({ fields }) => [fields.before, fields.after, fields.source]);
    assert.deepEqual(steps, [[1, 2, 'elastic'], [2, 4, 'elastic'], [4, 2, 'elastic'], [2, 1, 'elastic']]);
    assert.ok(rig.causes('worker.draining').every((cause) => cause === 'scale'));
    assert.deepEqual(rig.causes('worker.starting'), ['boot', 'scale', 'scale', 'scale']);
  });

  test('that grows again into slots that it had given up says so, and counts no restart', async () => {
    const rig = await serving({ minWorkers: 1, maxWorkers: 2 });
    await rig.until(2, busy, 30_000);
    await rig.until(1, idle, 2 * MINUTE);
    await rig.until(2, busy, 30_000);
    assert.deepEqual(rig.causes('worker.starting'), ['boot', 'scale', 'scale']);
    assert.equal(rig.supervisor.slots.restarts(1), 0);
  });

  test('takes a worker that is too busy even for a heartbeat for busy', async () => {
    const rig = await serving({ minWorkers: 2, maxWorkers: 4, hangTimeout: '1m' });
    await rig.beat(busy);
    await rig.pass(14_000, (slot) => (slot === 0 ? { ...BUSY, eventLoopUtilization: 0.45 } : null));
    assert.deepEqual(rig.size, [3, 'elastic']);
  });

  test('whose load is the config’s own business keeps its size', async () => {
    const rig = await serving({ maxWorkers: 2 });
    await rig.pass(MINUTE, busy);
    await rig.pass(3 * MINUTE, idle);
    assert.deepEqual(rig.size, [2, 'config']);
  });

  test('does not give up a worker with a call that has long been going on', async () => {
    const rig = await serving(ELASTIC);
    await rig.until(4, busy, 30_000);
    const streaming = { ...IDLE, inFlight: 1, oldestCall: { method: '/a.B/C', peer: '127.0.0.1:5', ageMs: 15_000 } };
    await rig.pass(5 * MINUTE, (slot) => (slot === 2 ? streaming : IDLE));
    assert.deepEqual(rig.slots(), [0, 1, 2]);
    await rig.until(1, idle, 3 * MINUTE);
  });

  test('does not give up a worker that somebody looks into', async () => {
    const rig = await serving(ELASTIC);
    await rig.until(4, busy, 30_000);
    const inspected = rig.supervisor.workers[2];
    assert.ok(inspected);
    inspected.inspection = { type: 'inspector', url: 'ws://127.0.0.1:1/', until: Infinity };
    await rig.pass(5 * MINUTE, idle);
    assert.deepEqual(rig.slots(), [0, 1, 2]);
    inspected.inspection = null;
    await rig.until(1, idle, 3 * MINUTE);
  });

  test('leaves the size to whoever scales it, until they give it back', async () => {
    const rig = await serving(ELASTIC);
    rig.supervisor.scale(6, 'scale');
    await rig.turn();
    await rig.settle();
    await rig.pass(3 * MINUTE, idle);
    assert.deepEqual(rig.size, [6, 'scale']);
    rig.supervisor.scaleByConfig();
    await rig.turn();
    await rig.settle();
    assert.deepEqual(rig.size, [4, 'elastic'], 'within its limits, but no smaller than it needs to be');
    await rig.until(1, idle, 3 * MINUTE);
  });

  test('does not listen to the load after a person, nor during a reload', async () => {
    const rig = await serving(ELASTIC);
    rig.supervisor.scale(2, 'scale');
    rig.supervisor.scale(4, 'elastic');
    assert.deepEqual(rig.size, [2, 'scale']);
    rig.supervisor.scaleByConfig();
    void rig.supervisor.roll(generationOf(ELASTIC), 'test', () => undefined);
    rig.supervisor.scale(4, 'elastic');
    assert.equal(rig.supervisor.plan.target, 2);
  });

  test('does not grow while new workers would run other code, but shrinks', async () => {
    const rig = await serving(ELASTIC);
    await rig.until(2, busy, 30_000);
    rig.isProven = false;
    await rig.pass(MINUTE, busy);
    assert.deepEqual(rig.slots(), [0, 1]);
    await rig.until(1, idle, 3 * MINUTE);
    rig.isProven = true;
    await rig.until(2, busy, 30_000);
  });

  test('keeps its size over a reload, within the new limits', async () => {
    const rig = await serving(ELASTIC);
    await rig.until(4, busy, 30_000);
    const roll = async (settings: UserConfig): Promise<string> => {
      const result = rig.supervisor.roll(generationOf({ bootConcurrency: 8, ...settings }), 'test', () => undefined);
      return (await rig.finish(result)).verdict;
    };
    assert.equal(await roll(ELASTIC), 'done');
    assert.deepEqual([rig.slots(), rig.size], [[0, 1, 2, 3], [4, 'elastic']]);
    assert.equal(await roll({ minWorkers: 2, maxWorkers: 3 }), 'done');
    assert.deepEqual([rig.slots(), rig.size], [[0, 1, 2], [3, 'elastic']]);
    assert.equal(await roll({ maxWorkers: 2 }), 'done');
    assert.deepEqual([rig.slots(), rig.size], [[0, 1], [2, 'config']]);
  });
});

describe('the cap on calls', () => {
  const shares = (rig: Rig): (number | null)[] => rig.supervisor.workers.filter(({ state }) => state === 'ready').map(({ callLimit }) => callLimit);
  /** What a worker was told last. */
  const told = (rig: Rig, slot: number): unknown => {
    const { pid } = rig.supervisor.workers.find((worker) => worker.slot === slot) ?? {};
    return rig.processOf(pid ?? null).sent.flatMap((message) => (message.type === 'start' ? [message.callLimit] : message.type === 'set-call-limit' ? [message.limit] : [])).at(-1);
  };

  test('is shared by the workers that exist: not by one that still boots, and by one that drains to its end', async () => {
    const rig = await serving({ ...ELASTIC, maximumConcurrentRpcs: 10 });
    assert.deepEqual(shares(rig), [10]);
    rig.supervisor.scale(3, 'scale');
    await rig.turn();
    assert.deepEqual(shares(rig), [10]);
    await rig.settle();
    assert.deepEqual(shares(rig), [4, 3, 3]);
    assert.deepEqual([0, 1, 2].map((slot) => told(rig, slot)), [4, 3, 3]);

    rig.supervisor.scale(1, 'scale');
    await rig.turn();
    assert.deepEqual([shares(rig), rig.supervisor.workers.length], [[4], 3], 'the others still have calls');
    await rig.settle();
    assert.deepEqual([shares(rig), told(rig, 0)], [[10], 10]);
  });

  test('is shared as before when a worker is replaced, and by a new generation as it will be', async () => {
    const rig = await serving({ maxWorkers: 2, maximumConcurrentRpcs: 5 });
    assert.deepEqual(shares(rig), [3, 2]);
    rig.supervisor.recycle(rig.supervisor.workers[0] ?? assert.fail(), 'test', 'any-time');
    await rig.turn();
    await rig.settle();
    assert.deepEqual(shares(rig), [3, 3, 2], 'old and new of one slot');
    rig.clock.advance(PROBATION);
    await rig.settle();
    assert.deepEqual(shares(rig), [3, 2]);
    const result = rig.supervisor.roll(generationOf({ maxWorkers: 3, maximumConcurrentRpcs: 7, bootConcurrency: 8 }), 'test', () => undefined);
    assert.equal((await rig.finish(result)).verdict, 'done');
    assert.deepEqual(shares(rig), [3, 2, 2]);
    const orders = rig.processes.flatMap(({ sent }) => sent.filter(({ type }) => type === 'set-call-limit'));
    assert.deepEqual(orders, [], 'nobody was told another share on the way');
  });

  test('goes to those that serve when a slot is lost', async () => {
    const rig = await serving({ maxWorkers: 2, maximumConcurrentRpcs: 4 });
    rig.processOf(rig.supervisor.workers[1]?.pid ?? null).exits(1);
    await rig.turn();
    assert.deepEqual(shares(rig), [4]);
    await rig.settle();
    assert.deepEqual(shares(rig), [2, 2]);
  });
});

describe('a worker that has served enough', () => {
  test('is replaced before it leaves, one after the other', async () => {
    const rig = await serving({ maxWorkers: 3, maxCallsPerWorker: 100 });
    const first = rig.processes.slice(0, 3);
    await rig.pass(20_000, idle);
    const worn: LoadOf = (_, pid) => ({ ...IDLE, calls: first.some((process) => process.process.pid === pid) ? 100 : 1 });
    await rig.beat(worn);
    assert.deepEqual(rig.supervisor.workers.map(({ slot, state }) => [slot, state]), [[0, 'ready'], [0, 'starting'], [1, 'ready'], [2, 'ready']]);
    await rig.pass(30_000, worn);
    assert.deepEqual(rig.slots(), [0, 1, 2]);
    assert.ok(first.every(({ isAlive }) => !isAlive));
    assert.deepEqual(rig.causes('worker.draining'), ['maxCallsPerWorker', 'maxCallsPerWorker', 'maxCallsPerWorker']);
    assert.equal(rig.processes.length, 6);
  });

  test('stays while somebody looks into it, and goes afterwards', async () => {
    const rig = await serving({ maxWorkers: 1 });
    const [inspected] = rig.supervisor.workers;
    assert.ok(inspected);
    inspected.inspection = { type: 'inspector', url: 'ws://127.0.0.1:1/', until: Infinity };
    rig.processOf(inspected.pid).says({ type: 'recycle-wanted', cause: 'uncaughtException' });
    await rig.pass(20_000, idle);
    assert.equal(rig.processes.length, 1);
    inspected.inspection = null;
    await rig.pass(20_000, idle);
    assert.equal(rig.processes.length, 2);
    assert.deepEqual(rig.causes('worker.draining'), ['uncaughtException']);
  });

  test('has limits of its own, 20 % more or less, for its life', async () => {
    const numbers = [0, 1];
    const rig = await serving({ maxWorkers: 2, maxWorkerAge: '100s' }, () => numbers.shift() ?? 0.5);
    await rig.pass(78_000, idle);
    assert.equal(rig.processes.length, 2);
    await rig.pass(6000, idle);
    assert.equal(rig.processes.length, 3);
    await rig.pass(34_000, idle);
    assert.equal(rig.processes.length, 3);
    await rig.pass(6000, idle);
    assert.equal(rig.processes.length, 4);
  });

  test('by age is replaced as often as the age says, even within a minute', async () => {
    const rig = await serving({ maxWorkers: 1, maxWorkerAge: '6s' });
    await rig.pass(MINUTE, idle);
    assert.ok(rig.processes.length >= 7, `${rig.processes.length} processes`);
  });

  test('by memory that it lost over time is replaced whenever that is, and needs two readings', async () => {
    const rig = await serving({ maxWorkers: 1, maxWorkerMemory: '100MiB' });
    const sizes = new Map<number, number>();
    const leaking: LoadOf = (_, pid) => {
      const rss = (sizes.get(pid) ?? 50e6) + 5e6;
      sizes.set(pid, rss);
      return { ...IDLE, rss };
    };
    await rig.pass(2 * MINUTE, leaking);
    // The eleventh reading is above, the twelfth too; at the thirteenth its replacement takes over: every 26 s.
    assert.equal(rig.count('worker.draining'), 4);
    await rig.pass(HEARTBEAT, idle);
    const before = rig.processes.length;
    await rig.pass(2 * MINUTE, idle);
    assert.equal(rig.processes.length, before);
  });

  test('by a limit that is below what any worker needs is replaced once a minute', async () => {
    const rig = await serving({ maxWorkers: 2, maxWorkerMemory: '10MiB' });
    await rig.pass(10 * MINUTE, idle);
    const each = rig.count('worker.draining') / 2;
    assert.ok(each >= 9 && each <= 11, `${each} times in 10 minutes`);
  });

  test('stays while new workers would run other code, and goes when they would not', async () => {
    const rig = await serving({ maxWorkers: 1, maxWorkerAge: '10s' });
    rig.isProven = false;
    await rig.pass(MINUTE, idle);
    assert.equal(rig.processes.length, 1);
    rig.isProven = true;
    await rig.pass(HEARTBEAT, idle);
    assert.equal(rig.processes.length, 2);
  });

  test('serves on when its replacement cannot start', async () => {
    const rig = await serving({ maxWorkers: 1, maxWorkerAge: '10s' });
    const [old = assert.fail()] = rig.processes;
    for (let round = 0; round < 30; round += 1) {
      await rig.beat(idle);
      for (const { state, pid } of rig.supervisor.workers) if (state === 'starting') rig.processOf(pid).exits(1);
      await rig.turn();
    }
    assert.ok(rig.processes.length > 3);
    assert.deepEqual(old.drains(), []);
    await rig.pass(MINUTE, idle);
    assert.equal(old.isAlive, false);
  });

  test('because something threw in it is not forgotten while another one has its turn', async () => {
    const rig = await serving({ maxWorkers: 2 });
    const [first, second] = rig.processes;
    first?.says({ type: 'recycle-wanted', cause: 'uncaughtException' });
    second?.says({ type: 'recycle-wanted', cause: 'uncaughtException' });
    await rig.turn();
    assert.equal(rig.processes.length, 3);
    await rig.pass(10_000, idle);
    assert.deepEqual([first?.isAlive, second?.isAlive, rig.processes.length], [false, false, 4]);
  });
});

describe('scale', () => {
  test('during a reload counts when it is done, and also when it comes to nothing', async () => {
    for (const fails of [false, true]) {
      const rig = await serving({ maxWorkers: 2 });
      const result = rig.supervisor.roll(generationOf({ maxWorkers: 2, bootConcurrency: 8 }), 'test', () => undefined);
      await rig.turn();
      rig.supervisor.scale(3, 'scale');
      await rig.turn();
      if (fails) rig.processOf(rig.supervisor.workers[1]?.pid ?? null).says({ type: 'failed', error: { code: 'E_SERVICER', message: 'no', hint: '' }, permanent: true });
      if (fails) rig.processOf(rig.supervisor.workers[1]?.pid ?? null).exits(78);
      assert.equal((await rig.finish(result)).verdict, fails ? 'rolled-back' : 'done');
      assert.deepEqual([rig.slots(), rig.size], [[0, 1, 2], [3, 'scale']]);
    }
  });

  test('counts at once while the old workers of a reload finish their calls', async () => {
    const rig = await serving({ maxWorkers: 2 });
    const result = rig.supervisor.roll(generationOf({ maxWorkers: 2, bootConcurrency: 8 }), 'test', () => undefined);
    await rig.turn();
    for (let round = 0; round < 2; round += 1) {
      for (const { pid, state } of rig.supervisor.workers) if (state === 'starting') rig.processOf(pid).says({ type: 'ready', services: [] });
      await rig.turn();
      rig.clock.advance(PROBATION);
      await rig.turn();
    }
    rig.supervisor.scale(3, 'scale');
    await rig.turn();
    assert.deepEqual(rig.supervisor.workers.map(({ slot, state }) => [slot, state]), [[0, 'draining'], [0, 'ready'], [1, 'draining'], [1, 'ready'], [2, 'starting']]);
    assert.equal((await rig.finish(result)).verdict, 'done');
    assert.deepEqual([rig.slots(), rig.size], [[0, 1, 2], [3, 'scale']]);
  });

  test('asks the clients of several workers to leave one after the other', async () => {
    const rig = await serving({ maxWorkers: 3 });
    const [, second, third] = rig.processes;
    rig.supervisor.scale(1, 'scale');
    await rig.turn();
    assert.deepEqual([second, third].map((process) => process?.drains()[0]?.delay), [0, 1000]);
  });

  test('goes from one worker to four times as many as the config asks for, each with a call that it may take', () => {
    const generation = generationOf({ maxWorkers: 4 });
    assert.deepEqual([0, 1, 16, 17, 1e9].map((wanted) => generation.clampScale(wanted)), [1, 1, 16, 16, 16]);
    assert.equal(generationOf({ maxWorkers: 4, maximumConcurrentRpcs: 6 }).clampScale(10), 6);
  });
});
