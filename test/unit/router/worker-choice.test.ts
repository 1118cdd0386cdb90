import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseWorker, type Candidate } from '#src/router/worker-choice.js';
import { WorkerRanking, type Ranked } from '#src/router/worker-ranking.js';

interface Named extends Ranked {
  readonly name: string;
  inFlight: number;
}

const worker = (name: string, inFlight: number, standing: Candidate['standing'] = 'good'): Named => ({ name, inFlight, standing, rank: null, lastEnd: 0 });

function rank(workers: readonly Named[]): WorkerRanking<Named> {
  const ranking = new WorkerRanking<Named>();
  for (const each of workers) ranking.add(each);
  return ranking;
}

const choose = (workers: readonly Named[], home: Named | null = null): string | undefined => chooseWorker(rank(workers).first, home)?.name;

test('without workers, or with none that is there, nobody is chosen', () => {
  assert.equal(choose([]), undefined);
  assert.equal(choose([worker('a', 0, 'out')]), undefined);
});

test('the least busy worker is chosen', () => {
  assert.equal(choose([worker('a', 3), worker('b', 1), worker('c', 2)]), 'b');
});

test('idle workers are chosen in turn', () => {
  const ranking = rank([worker('a', 0), worker('b', 0), worker('c', 0)]);
  const chosen = Array.from({ length: 4 }, () => {
    const one = chooseWorker(ranking.first, null);
    assert.ok(one !== null);
    // A call of it begins and ends.
    one.inFlight += 1;
    ranking.note(one);
    one.inFlight -= 1;
    ranking.noteEnd(one);
    return one.name;
  });
  assert.deepEqual(chosen, ['a', 'b', 'c', 'a']);
});

test('of workers with as many calls, the one that has ended a call last is chosen: it is not stuck in a long one', () => {
  for (const stuckFirst of [true, false]) {
    const [stuck, moving] = [worker('stuck', 1), worker('moving', 1)];
    const ranking = rank(stuckFirst ? [stuck, moving] : [moving, stuck]);
    moving.inFlight += 1;
    ranking.note(moving);
    assert.equal(ranking.first, stuck);
    moving.inFlight -= 1;
    ranking.noteEnd(moving);
    assert.equal(ranking.first, moving);
  }
});

test('home wins a tie and a small difference, which grows with the load, but no large one', () => {
  for (const [others, home, winner] of [[0, 0, 'home'], [0, 1, 'other'], [15, 16, 'other'], [16, 17, 'home'], [16, 18, 'other'], [64, 68, 'home'], [64, 69, 'other']] as const) {
    const itself = worker('home', home);
    assert.equal(choose([worker('other', others), itself], itself), winner, `${home} to ${others}`);
  }
});

test('a worker that is late comes last, however idle, and home or not', () => {
  const late = worker('late', 0, 'late');
  assert.equal(choose([late, worker('busy', 900)], late), 'busy');
  assert.equal(choose([worker('later', 2, 'late'), late], late), 'late');
});

test('a worker that is out is not chosen, home or not', () => {
  const out = worker('out', 0, 'out');
  assert.equal(choose([out, worker('busy', 900)], out), 'busy');
});
