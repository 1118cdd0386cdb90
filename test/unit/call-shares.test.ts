import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareCallLimit } from '#src/shared/call-shares.js';

const shares = (total: number, workers: number): number[] =>
  Array.from({ length: workers }, (_, slot) => shareCallLimit(total, workers, slot));

test('the remainder of a cap goes to the lowest slots', () => {
  assert.deepEqual(shares(10, 4), [3, 3, 2, 2]);
  assert.deepEqual(shares(8, 4), [2, 2, 2, 2]);
  assert.deepEqual(shares(2, 4), [1, 1, 0, 0]);
  assert.deepEqual(shares(7, 1), [7]);
});

test('the shares sum to the cap and differ by one at most', () => {
  for (let total = 1; total <= 60; total += 1) {
    for (let workers = 1; workers <= 17; workers += 1) {
      const all = shares(total, workers);
      assert.equal(all.reduce((sum, share) => sum + share, 0), total);
      assert.ok(Math.max(...all) - Math.min(...all) <= 1);
    }
  }
});
