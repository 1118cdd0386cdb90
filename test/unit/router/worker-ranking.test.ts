import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkerRanking, type Ranked } from '#src/router/worker-ranking.js';
import { randomFrom } from '../../support/random.js';

interface Worker extends Ranked {
  inFlight: number;
  standing: Ranked['standing'];
}

const STANDINGS = ['good', 'late', 'out'] as const;

/** Slow, and obviously right. */
function sort(workers: Iterable<Worker>): Worker[] {
  return [...workers].sort((a, b) => STANDINGS.indexOf(a.standing) - STANDINGS.indexOf(b.standing) || a.inFlight - b.inFlight || a.changed - b.changed);
}

test('the first of the ranking is the first of all, sorted, whatever happens to whom and in which order', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = randomFrom(seed);
    const below = (end: number): number => Math.floor(random() * end);
    const workers = Array.from({ length: 1 + below(40) }, (): Worker => ({ inFlight: 0, standing: 'good', rank: null, changed: 0 }));
    const ranked = new Set<Worker>();
    const ranking = new WorkerRanking<Worker>();
    for (let step = 0; step < 800; step += 1) {
      const worker = workers[below(workers.length)];
      assert.ok(worker !== undefined);
      const action = below(10);
      if (action === 0) {
        ranking.remove(worker);
        ranked.delete(worker);
      } else if (action <= 3) {
        ranking.add(worker);
        ranked.add(worker);
      } else {
        if (action === 4) worker.standing = STANDINGS[below(3)] ?? 'good';
        // One call more or less, or all at once, as when a link breaks.
        else if (action === 5) worker.inFlight = 0;
        else worker.inFlight = Math.max(0, worker.inFlight + (action < 8 ? 1 : -1));
        ranking.note(worker);
      }
      assert.equal(ranking.first, sort(ranked)[0] ?? null, `seed ${seed}, step ${step}`);
    }
    // All of it is in order, not only the top.
    for (const expected of sort(ranked)) {
      assert.equal(ranking.first, expected);
      ranking.remove(expected);
    }
    assert.equal(ranking.first, null);
  }
});

test('a call looks at so few workers that 64 times as many cost it 6 looks more for each step down', () => {
  // What is looked at is how busy a worker is; nothing is compared without that.
  const looksPerCall = (count: number): number => {
    let looks = 0;
    const workers = Array.from({ length: count }, () => {
      let inFlight = 0;
      return {
        standing: 'good' as const,
        rank: null,
        changed: 0,
        get inFlight() {
          looks += 1;
          return inFlight;
        },
        set inFlight(value: number) {
          inFlight = value;
        },
      };
    });
    const ranking = new WorkerRanking<Worker>();
    for (const worker of workers) ranking.add(worker);
    const random = randomFrom(7);
    const busy: Worker[] = [];
    const calls = 5000;
    looks = 0;
    const change = (worker: Worker, by: number): void => {
      const before = looks;
      worker.inFlight += by;
      // The test's own.
      looks = before;
      ranking.note(worker);
    };
    for (let call = 0; call < calls; call += 1) {
      const { first } = ranking;
      assert.ok(first !== null);
      change(first, 1);
      busy.push(first);
      if (busy.length > 2 * count) for (const ended of busy.splice(Math.floor(random() * busy.length), 1)) change(ended, -1);
    }
    return looks / calls;
  };
  const [few, many] = [looksPerCall(8), looksPerCall(512)];
  assert.ok(many < few + 6 * 12, `${few} looks for a call with 8 workers, ${many} with 512`);
});
