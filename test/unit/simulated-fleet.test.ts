import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT } from '../support/paths.js';

/** What the simulations of `npm run bench -- scale` say, as far as it is looked at here. */
interface Played {
  readonly wait: { readonly p50: number; readonly p99: number };
  readonly skew: readonly number[];
}
interface Calls {
  readonly WAYS: { routers(count: number): unknown; readonly connections: unknown; readonly ideal: unknown };
  readonly playCalls: (options: { workers: number; connections: number; calls: number; way: unknown; seed: number }) => Played;
}
interface Days {
  readonly playDay: (options: { most: number; seed: number; rush?: number }) => { readonly steps: number; readonly flaps: number; readonly overloaded: number; readonly waste: number };
}

// They are JavaScript, and say in their comments what they return.
const { playCalls, WAYS } = (await import(`${ROOT}bench/support/simulated-calls.js`)) as Calls;
const { playDay } = (await import(`${ROOT}bench/support/simulated-day.js`)) as Days;

test('with 8 workers calls of a few busy connections spread over all, and wait hardly longer than in one line for all', () => {
  const played = (way: unknown): Played => playCalls({ workers: 8, connections: 1000, calls: 60_000, way, seed: 2 });
  const [byCall, oneLine] = [played(WAYS.routers(1)), played(WAYS.ideal)];
  assert.ok(Math.max(...byCall.skew) < 1.15, `busiest to mean: ${byCall.skew.join(' ')}`);
  assert.ok(byCall.wait.p99 < oneLine.wait.p99 + 15, `${byCall.wait.p99} to ${oneLine.wait.p99} ms`);
  assert.ok(byCall.wait.p50 === 0);
});

test('with 64 workers no call in a hundred waits, and the busiest has a third more than the mean at most', () => {
  const byCall = playCalls({ workers: 64, connections: 20_000, calls: 200_000, way: WAYS.routers(1), seed: 2 });
  assert.equal(byCall.wait.p99, 0);
  assert.ok(byCall.skew.length > 0);
  assert.ok(Math.max(...byCall.skew) < 1.33, `busiest to mean: ${byCall.skew.join(' ')}`);
});

test('over a day an elastic fleet takes few steps and none back, is hardly ever too small, and seldom too large', () => {
  for (const [most, few] of [[8, 20], [64, 90]] as const) {
    for (const seed of [1, 2, 3]) {
      const { steps, flaps, overloaded, waste } = playDay({ most, seed });
      assert.ok(steps > 5 && steps <= few, `${steps} steps`);
      assert.equal(flaps, 0);
      assert.ok(overloaded < 0.001, `of the day overloaded: ${overloaded}`);
      assert.ok(waste < 1.25, `worker hours to those needed: ${waste}`);
    }
  }
});
