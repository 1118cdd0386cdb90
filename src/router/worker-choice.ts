/** Runs in a router. Which worker gets the next call; bench/worker-choice.js plays it through. */

/** What is known of a worker. */
export interface Candidate {
  /** Calls of this router that it has not ended yet. */
  readonly inFlight: number;
  /** `late`: it has left a ping unanswered for a while. `out`: for so long that it gets no calls, or it is not there. */
  readonly standing: 'good' | 'late' | 'out';
}

/**
 * How much more than the least busy worker the home of a connection may have in flight: a part of what that one has.
 * So one call too many is enough to go elsewhere while there are few, and a quiet client stays where it is.
 */
const SMALL_PART = 1 / 16;

/**
 * The least busy worker, or the home of the connection when that is hardly busier; those that are late come last.
 * @param home where the last calls of this connection went when nothing spoke against it
 * @param turn a number from 0 on; where the search begins, so that equals are chosen in turn
 * @returns null when there is none
 */
export function chooseWorker<T extends Candidate>(workers: readonly T[], home: T | null, turn: number): T | null {
  const count = workers.length;
  let best: T | null = null;
  for (let step = 0, at = count === 0 ? 0 : turn % count; step < count; step += 1, at = at + 1 === count ? 0 : at + 1) {
    const worker = workers[at];
    if (worker === undefined || worker.standing === 'out') continue;
    if (best === null || isBetter(worker, best)) best = worker;
  }
  if (best === null || home?.standing !== best.standing) return best;
  return home.inFlight - best.inFlight <= best.inFlight * SMALL_PART ? home : best;
}

function isBetter(one: Candidate, other: Candidate): boolean {
  if (one.standing !== other.standing) return one.standing === 'good';
  return one.inFlight < other.inFlight;
}
