// How large a fleet should be, played against loads of all kinds. A load is so many event loops' worth of work.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decideScale, GROW_AFTER, SHRINK_AFTER, STEADY, type ScalingLimits, type ScalingState, type ScalingView } from '#src/primary/scaling-policy.js';
import { randomFrom } from '../../support/random.js';

const HEARTBEAT = 2000;
const MINUTE = 60_000;
const LIMITS: ScalingLimits = { min: 1, max: 8 };
const IDLE: ScalingView = { workers: 4, ready: 4, utilization: 0, serving: true, free: 4 };
/** Wobbles of a load that count as none, up and down. */
const NOISE = 0.15;

interface Change {
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

interface Played {
  readonly changes: readonly Change[];
  readonly workers: number;
}

/** Plays a load, given as a function of the time, for some time; workers take a while to boot. */
function play(load: (now: number) => number, forMs: number, { min, max }: ScalingLimits, start = min, boot = 3000): Played {
  let workers = start;
  let state: ScalingState = STEADY;
  let readyAt = 0;
  let ready = start;
  const changes: Change[] = [];
  for (let now = 0; now <= forMs; now += HEARTBEAT) {
    if (now >= readyAt) ready = workers;
    const utilization = Math.min(ready, load(now));
    const decision = decideScale(state, { workers, ready, utilization, serving: true, free: workers }, now, { min, max });
    state = decision.state;
    assert.ok(decision.workers >= min && decision.workers <= max, `${decision.workers} of ${min} to ${max}`);
    if (decision.workers === workers) continue;
    changes.push({ at: now, before: workers, after: decision.workers });
    if (decision.workers > workers) readyAt = now + boot;
    workers = decision.workers;
    ready = Math.min(ready, workers);
  }
  return { changes, workers };
}

/** How often the fleet went from growing to shrinking or back. */
function turns(changes: readonly Change[]): number {
  const directions = changes.map(({ before, after }) => after > before);
  return directions.filter((isUp, index) => index > 0 && isUp !== directions[index - 1]).length;
}

/** The same view again and again: when does it decide, and what? */
function firstChange(view: ScalingView, limits = LIMITS, forMs = 10 * MINUTE): Change | null {
  let state: ScalingState = STEADY;
  for (let now = 0; now <= forMs; now += HEARTBEAT) {
    const decision = decideScale(state, view, now, limits);
    if (decision.workers !== view.workers) return { at: now, before: view.workers, after: decision.workers };
    state = decision.state;
  }
  return null;
}

describe('a fleet grows', () => {
  const busy: ScalingView = { ...IDLE, workers: 2, ready: 2, utilization: 2 };

  test('when all that it has are busy for a while, to as many as the load needs', () => {
    assert.deepEqual(firstChange(busy), { at: GROW_AFTER, before: 2, after: 4 });
    assert.deepEqual(firstChange({ ...busy, utilization: 1.45 }), { at: GROW_AFTER, before: 2, after: 3 });
  });

  test('to no more than the least busy moment of that while needs', () => {
    assert.equal(play((now) => (now === 0 ? 1.45 : 2), GROW_AFTER, { min: 2, max: 8 }).workers, 3);
  });

  test('not when they are busy without calls: more of them would be busy too', () => {
    assert.equal(firstChange({ ...busy, serving: false }), null);
  });

  test('not while some of those that it wants are still missing', () => {
    assert.equal(firstChange({ ...busy, workers: 3 }), null);
  });

  test('not above its limit', () => {
    assert.equal(firstChange({ ...busy, utilization: 2 }, { min: 1, max: 3 })?.after, 3);
    assert.equal(firstChange(busy, { min: 1, max: 2 }), null);
  });

  test('not for one reading in between, however high', () => {
    const { changes } = play((now) => (now % 8000 < 4000 ? 2 : 0.5), 10 * MINUTE, { min: 2, max: 8 });
    assert.deepEqual(changes, []);
  });

  test('when one of them is about to be replaced and two have its slot', () => {
    assert.equal(firstChange({ ...busy, ready: 3, utilization: 3 })?.after, 5);
  });
});

describe('a fleet shrinks', () => {
  test('when fewer are enough for a while, to half at most', () => {
    assert.deepEqual(firstChange(IDLE), { at: SHRINK_AFTER, before: 4, after: 2 });
    assert.deepEqual(firstChange({ ...IDLE, workers: 2, ready: 2 }), { at: SHRINK_AFTER, before: 2, after: 1 });
  });

  test('to what the highest load of that while needs', () => {
    const spike = (now: number): number => (now === 30_000 ? 1.4 : 0);
    assert.equal(play(spike, SHRINK_AFTER, LIMITS, 4).workers, 3);
  });

  test('not below its limit', () => {
    assert.equal(play(() => 0, 10 * MINUTE, { min: 3, max: 8 }, 8).workers, 3);
  });

  test('not where a long call is going on, until it has ended', () => {
    assert.equal(firstChange({ ...IDLE, free: 0 }), null);
    assert.equal(firstChange({ ...IDLE, free: 1 })?.after, 3);
    const held = decideScale({ mood: 'calm', since: 0, workers: 1 }, { ...IDLE, free: 0 }, 10 * MINUTE, LIMITS);
    assert.equal(held.workers, 4);
    assert.equal(decideScale(held.state, IDLE, 10 * MINUTE + HEARTBEAT, LIMITS).workers, 2);
  });
});

test('new limits count at once', () => {
  assert.equal(decideScale(STEADY, IDLE, 0, { min: 6, max: 8 }).workers, 6);
  assert.equal(decideScale(STEADY, IDLE, 0, { min: 1, max: 3 }).workers, 3);
});

/** Limits and a start between them, from a seed. */
function fleetFrom(random: () => number): { limits: ScalingLimits; start: number } {
  const max = 1 + Math.floor(random() * (random() < 0.1 ? 512 : 16));
  const min = 1 + Math.floor(random() * max);
  return { limits: { min, max }, start: min + Math.floor(random() * (max - min + 1)) };
}

function forSeeds(count: number, body: (random: () => number) => void): void {
  for (let seed = 1; seed <= count; seed += 1) {
    try {
      body(randomFrom(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

describe('whatever the load', () => {
  test('the size stays within its limits, and a fleet that grew keeps its size for a while', () => {
    forSeeds(300, (random) => {
      const { limits, start } = fleetFrom(random);
      const height = limits.max * 1.5;
      let now = random() * height;
      const { changes } = play(() => (now = random() < 0.2 ? random() * height : now), 20 * MINUTE, limits, start, random() * 20_000);
      changes.forEach(({ at, before, after }, index) => {
        const next = changes[index + 1];
        if (next === undefined) return;
        const wait = next.after > next.before ? GROW_AFTER : SHRINK_AFTER;
        assert.ok(next.at - at >= wait, `${before} -> ${after} at ${at}, ${next.before} -> ${next.after} at ${next.at}`);
      });
    });
  });

  test('a constant one settles in bounded time, without going back, and nothing moves after that', () => {
    forSeeds(300, (random) => {
      const { limits, start } = fleetFrom(random);
      const load = random() * limits.max * 1.2;
      const { changes } = play(() => load, 60 * MINUTE, limits, start);
      assert.equal(turns(changes), 0, JSON.stringify(changes));
      // Halving 512 takes nine steps.
      assert.ok((changes.at(-1)?.at ?? 0) <= 11 * MINUTE, JSON.stringify(changes));
    });
  });

  test('one that wobbles by 15 % counts as constant: it never makes the fleet go back', () => {
    forSeeds(300, (random) => {
      const { limits, start } = fleetFrom(random);
      const load = random() * limits.max * 1.2;
      const { changes } = play(() => load * (1 + NOISE * (2 * random() - 1)), 60 * MINUTE, limits, start);
      assert.equal(turns(changes), 0, JSON.stringify(changes));
    });
  });

  test('one that only rises never makes a fleet smaller again; one that only falls never larger', () => {
    forSeeds(300, (random) => {
      const { limits } = fleetFrom(random);
      const height = limits.max * 1.2;
      const length = (1 + random() * 30) * MINUTE;
      const rising = play((now) => (height * now) / length, length, limits);
      assert.deepEqual(rising.changes.filter(({ before, after }) => after < before), []);
      const falling = play((now) => (height * Math.max(0, length - now)) / length, length + 12 * MINUTE, limits, limits.max);
      assert.deepEqual(falling.changes.filter(({ before, after }) => after > before), []);
      assert.equal(falling.workers, limits.min);
    });
  });

  test('a sudden one is met in few steps: each makes the fleet two thirds larger, or ends the need', () => {
    forSeeds(300, (random) => {
      const { limits } = fleetFrom(random);
      const load = limits.min + random() * (limits.max - limits.min);
      const boot = random() * 5000;
      const steps = Math.ceil(Math.log(limits.max / limits.min) / Math.log(1 / 0.6)) + 1;
      const forMs = steps * (GROW_AFTER + boot + 2 * HEARTBEAT);
      const { workers } = play(() => load, forMs, limits, limits.min, boot);
      assert.ok(workers === limits.max || load / workers < 0.7, `${workers} workers for ${load}`);
    });
  });
});
