import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterCrash, CLEAN_BUDGET, type CrashBudget } from '#src/primary/crash-budget.js';

/** The waits after that many crashes in a row, without jitter. */
function waits(count: number, readyFor = 0): number[] {
  let budget: CrashBudget = CLEAN_BUDGET;
  return Array.from({ length: count }, () => {
    budget = afterCrash(budget, 1000, readyFor, 0.5);
    return budget.retryAt - 1000;
  });
}

test('the first crash is repaired at once, then the wait doubles up to 30 s', () => {
  assert.deepEqual(waits(10), [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test('a worker that was ready for a minute has earned a clean sheet', () => {
  assert.deepEqual(waits(3, 60_000), [0, 0, 0]);
  assert.deepEqual(waits(3, 59_999), [0, 500, 1000]);
});

test('the waits spread by 20 % either way', () => {
  const second: CrashBudget = { crashes: 1, retryAt: 0 };
  assert.equal(afterCrash(second, 0, 0, 0).retryAt, 400);
  assert.equal(afterCrash(second, 0, 0, 1).retryAt, 600);
});
