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
  return [...workers].sort(
    (a, b) => STANDINGS.indexOf(a.standing) - STANDINGS.indexOf(b.standing) || a.inFlight - b.inFlight || (a.lastEnd - b.lastEnd) * (a.inFlight === 0 ? 1 : -1),
  );
}

test('the first of the ranking is the first of all, sorted, whatever happens to whom and in which order', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = randomFrom(seed);
    const below = (end: number): number => Math.floor(random() * end);
    const workers = Array.from({ length: 1 + below(40) }, (): Worker => ({ inFlight: 0, standing: 'good', rank: null, lastEnd: 0 }));
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
        const before = worker.inFlight;
        if (action === 4) worker.standing = STANDINGS[below(3)] ?? 'good';
        // One call more or less, or all at once, as when a link breaks.
        else if (action === 5) worker.inFlight = 0;
        else worker.inFlight = Math.max(0, worker.inFlight + (action < 8 ? 1 : -1));
        if (worker.inFlight < before) ranking.noteEnd(worker);
        else ranking.note(worker);
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

test('64 times as many workers cost a call six steps more in each direction, and no look at all of them', () => {
  const [few, many] = [looksPerCall(8), looksPerCall(512)];
  // A step down compares twice, a step up once; a call begins and ends.
  assert.ok(many - few < 6 * 3, `${few} comparisons with 8 workers, ${many} with 512`);
});

/** Counted, not timed: whoever compares two workers reads the standing of both. */
function looksPerCall(count: number): number {
  let reads = 0;
  const ranking = new WorkerRanking<Ranked & { inFlight: number }>();
  for (let each = 0; each < count; each += 1) {
    ranking.add({
      inFlight: 0,
      rank: null,
      lastEnd: 0,
      get standing(): Ranked['standing'] {
        reads += 1;
        return 'good';
      },
    });
  }
  const random = randomFrom(7);
  const calls = 5000;
  const inFlight: (Ranked & { inFlight: number })[] = [];
  reads = 0;
  for (let call = 0; call < calls; call += 1) {
    const { first } = ranking;
    assert.ok(first !== null);
    first.inFlight += 1;
    ranking.note(first);
    inFlight.push(first);
    if (inFlight.length < 2 * count) continue;
    for (const worker of inFlight.splice(Math.floor(random() * inFlight.length), 1)) {
      worker.inFlight -= 1;
      ranking.noteEnd(worker);
    }
  }
  return reads / 2 / calls;
}
