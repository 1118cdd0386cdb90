import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reconcile, type Goal, type WorkerView } from '#src/primary/reconcile.js';
import type { WorkerState } from '#src/primary/worker-state.js';
import { randomFrom } from '../../support/random.js';

const LIMITS = {
  now: 0,
  surge: 1,
  probation: 0,
  retryAt: () => -Infinity,
  accepts: (generation: number) => generation === 1,
  isCanary: false,
  together: false,
};

function worker(id: number, slot: number, state: WorkerState, more: Partial<WorkerView> = {}): WorkerView {
  return { id, slot, state, generation: 1, recycle: null, readyAt: state === 'ready' ? 0 : null, ...more };
}

test('an empty fleet is filled', () => {
  const actions = reconcile({ workers: 2, generation: 1 }, [], LIMITS);
  assert.deepEqual(actions, [
    { type: 'fork', slot: 0, cause: 'missing' },
    { type: 'fork', slot: 1, cause: 'missing' },
  ]);
});

test('a fleet that is as wanted is left alone', () => {
  const fleet = [worker(1, 0, 'ready'), worker(2, 1, 'starting'), worker(3, 0, 'draining')];
  assert.deepEqual(reconcile({ workers: 2, generation: 1 }, fleet, LIMITS), []);
});

test('a slot in back-off waits', () => {
  const goal: Goal = { workers: 2, generation: 1 };
  const actions = reconcile(goal, [worker(1, 0, 'ready')], { ...LIMITS, retryAt: (slot) => (slot === 1 ? 10 : 0) });
  assert.deepEqual(actions, []);
});

test('a stop drains all', () => {
  const actions = reconcile({ workers: 0, generation: 1 }, [worker(1, 0, 'ready'), worker(2, 1, 'starting')], LIMITS);
  assert.deepEqual(actions, [
    { type: 'drain', id: 1, cause: 'stop' },
    { type: 'drain', id: 2, cause: 'stop' },
  ]);
});

test('a worker to be recycled serves until its replacement is ready', () => {
  const goal: Goal = { workers: 2, generation: 1 };
  const tired = worker(1, 0, 'ready', { recycle: 'fault' });
  const other = worker(2, 1, 'ready');
  assert.deepEqual(reconcile(goal, [tired, other], LIMITS), [{ type: 'fork', slot: 0, cause: 'fault' }]);
  assert.deepEqual(reconcile(goal, [tired, other, worker(3, 0, 'starting')], LIMITS), []);
  assert.deepEqual(reconcile(goal, [tired, other, worker(3, 0, 'ready')], LIMITS), [{ type: 'drain', id: 1, cause: 'fault' }]);
});

test('a worker that was only just ready does not replace anyone yet', () => {
  const goal: Goal = { workers: 1, generation: 2 };
  const fleet = [worker(1, 0, 'ready'), worker(2, 0, 'ready', { generation: 2, readyAt: 100 })];
  const limits = { ...LIMITS, accepts: (generation: number) => generation === 2, probation: 500 };
  for (const together of [false, true]) {
    assert.deepEqual(reconcile(goal, fleet, { ...limits, together, now: 599 }), []);
    assert.deepEqual(reconcile(goal, fleet, { ...limits, together, now: 600 }), [{ type: 'drain', id: 1, cause: 'reload' }]);
  }
});

test('each worker and each slot is looked at a few times, however large the fleet is', () => {
  const looksFor = (workers: number): number => {
    let looks = 0;
    const counted = (slot: number): WorkerView =>
      new Proxy(worker(slot, slot, 'ready', slot % 2 === 0 ? {} : { generation: 2 }), {
        get(target, property, receiver): unknown {
          looks += 1;
          return Reflect.get(target, property, receiver);
        },
      });
    const fleet = Array.from({ length: workers }, (_, slot) => counted(slot));
    const retryAt = (): number => (looks += 1);
    reconcile({ workers, generation: 1 }, fleet, { ...LIMITS, surge: workers, retryAt });
    return looks;
  };
  assert.ok(looksFor(10) > 10);
  assert.ok(looksFor(1000) <= 100 * looksFor(10));
});

/** Plays a fleet from a seed: random crashes, boots, exits, wishes and goals, with reconcile after each. */
function play(seed: number, steps: number): void {
  const random = randomFrom(seed);
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const surge = 1 + Math.floor(random() * 3);
  let goal: Goal = { workers: 1 + Math.floor(random() * 6), generation: 1 };
  let fleet: WorkerView[] = [];
  let nextId = 1;
  const covered = (): number[] =>
    fleet.filter(({ state, slot }) => state === 'ready' && slot < goal.workers).map(({ slot }) => slot);

  const settle = (): void => {
    for (let round = 0; ; round++) {
      assert.ok(round < 10, 'reconcile settles');
      const before = covered();
      const actions = reconcile(goal, fleet, { ...LIMITS, surge, accepts: (generation) => generation === goal.generation });
      if (actions.length === 0) break;
      for (const action of actions) {
        if (action.type === 'fork') {
          fleet.push(worker(nextId++, action.slot, 'starting', { generation: goal.generation }));
        } else {
          fleet = fleet.map((each) => (each.id === action.id ? { ...each, state: 'draining' } : each));
        }
      }
      const live = fleet.filter(({ state }) => state === 'starting' || state === 'ready').length;
      assert.ok(live <= goal.workers + surge, 'never more than the goal and the surge');
      const after = new Set(covered());
      assert.ok(before.every((slot) => after.has(slot)), 'a slot that serves goes on serving');
    }
  };

  settle();
  for (let step = 0; step < steps; step++) {
    const dice = random();
    const victim = pick(fleet);
    if (dice < 0.45) {
      const booting = pick(fleet.filter(({ state }) => state === 'starting'));
      fleet = fleet.map((each) => (each === booting ? { ...each, state: 'ready', readyAt: 0 } : each));
    } else if (dice < 0.65 && victim !== undefined) {
      fleet = fleet.filter((each) => each !== victim);
    } else if (dice < 0.8 && victim?.state === 'ready' && !fleet.some(({ recycle }) => recycle !== null)) {
      fleet = fleet.map((each) => (each === victim ? { ...each, recycle: 'wish' } : each));
    } else if (dice < 0.9) {
      goal = { ...goal, generation: goal.generation + 1 };
    } else {
      goal = { ...goal, workers: Math.floor(random() * 7) };
    }
    settle();
  }

  // Left in peace, it becomes what is wanted.
  for (let round = 0; round < 40; round++) {
    fleet = fleet.filter(({ state }) => state !== 'draining').map((each) => ({ ...each, state: 'ready' as const, readyAt: 0 }));
    settle();
  }
  const end = fleet.filter(({ state }) => state !== 'draining');
  assert.deepEqual(end.map(({ slot }) => slot).sort((a, b) => a - b), Array.from({ length: goal.workers }, (_, slot) => slot));
  assert.ok(end.every(({ generation, recycle }) => generation === goal.generation && recycle === null));
}

test('thousands of random fleets never lose a serving worker too early, never exceed the surge, and settle', () => {
  for (let seed = 1; seed <= 3000; seed++) {
    try {
      play(seed, 40);
    } catch (error) {
      throw new Error(`seed ${String(seed)}: ${(error as Error).message}`, { cause: error });
    }
  }
});
