import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AT_ONCE, limitsOf, overLimit, UNWORN, wear, type Wear, type WorkerLimits } from '#src/primary/recycling-policy.js';

const NONE: WorkerLimits = { calls: null, age: null, memory: null };
const OLD: Wear = { calls: 0, age: AT_ONCE, heavy: 0 };
const config = { maxCallsPerWorker: 1000, maxWorkerAge: 60_000, maxWorkerMemory: 500_000_000 };

test('limits are spread by 20 % up and down, and none stays none', () => {
  assert.deepEqual(limitsOf(config, 0), { calls: 800, age: 48_000, memory: 400_000_000 });
  assert.deepEqual(limitsOf(config, 0.5), { calls: 1000, age: 60_000, memory: 500_000_000 });
  assert.deepEqual(limitsOf(config, 1), { calls: 1200, age: 72_000, memory: 600_000_000 });
  assert.deepEqual(limitsOf({ maxCallsPerWorker: null, maxWorkerAge: null, maxWorkerMemory: null }, 0.7), NONE);
  assert.equal(limitsOf({ ...config, maxCallsPerWorker: 1 }, 0).calls, 1);
});

test('without limits nothing is over', () => {
  const worn = wear(wear(UNWORN, { calls: 1e9, rss: 1e12 }, 1e12, NONE), { calls: 1e9, rss: 1e12 }, 1e12, NONE);
  assert.equal(overLimit(worn, NONE), null);
});

test('calls and age count from the limit on', () => {
  assert.equal(overLimit({ ...OLD, calls: 999 }, { ...NONE, calls: 1000 }), null);
  assert.deepEqual(overLimit({ ...OLD, calls: 1000 }, { ...NONE, calls: 1000 }), { cause: 'maxCallsPerWorker', pace: 'any-time' });
  assert.equal(overLimit({ ...OLD, age: 59_999 }, { ...NONE, age: 60_000 }), null);
  assert.deepEqual(overLimit({ ...OLD, age: 60_000 }, { ...NONE, age: 60_000 }), { cause: 'maxWorkerAge', pace: 'any-time' });
});

test('memory counts at the second heartbeat in a row above the limit', () => {
  const limits: WorkerLimits = { ...NONE, memory: 500 };
  const beats = (...sizes: readonly number[]): Wear => sizes.reduce((before, rss) => wear(before, { calls: 0, rss }, AT_ONCE, limits), UNWORN);
  assert.equal(overLimit(beats(501), limits), null);
  assert.equal(overLimit(beats(501, 500, 501), limits), null);
  assert.deepEqual(overLimit(beats(100, 501, 501), limits), { cause: 'maxWorkerMemory', pace: 'any-time' });
});

test('what is over a limit as soon as it serves is so by nature: once a minute is enough; time alone is never too soon', () => {
  const limits: WorkerLimits = { calls: 10, age: 2000, memory: 10 };
  const young: Wear = { calls: 0, age: AT_ONCE - 1, heavy: 0 };
  assert.equal(overLimit({ ...young, heavy: 2 }, limits)?.pace, 'once-a-minute');
  assert.equal(overLimit({ ...young, calls: 10 }, limits)?.pace, 'once-a-minute');
  assert.equal(overLimit(young, limits)?.pace, 'any-time');
});
