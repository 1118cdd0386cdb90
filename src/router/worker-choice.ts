/** Runs in a router. Which worker gets the next call; bench/worker-choice.js and bench/scale.js play it through. */

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
 * The least busy worker, or the home of the connection when that is hardly busier.
 * @param least the least busy of those with the best standing (worker-ranking.ts); null without workers
 * @param home where the last calls of this connection went when nothing spoke against it
 * @returns null when there is none
 */
export function chooseWorker<T extends Candidate>(least: T | null, home: T | null): T | null {
  if (least === null || least.standing === 'out') return null;
  if (home?.standing !== least.standing) return least;
  return home.inFlight - least.inFlight <= least.inFlight * SMALL_PART ? home : least;
}
