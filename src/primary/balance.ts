/** Runs in the primary. Which worker gets a new connection; pure. */

export interface Candidate {
  /** Connections it has, those on their way to it included. */
  readonly connections: number;
  readonly slot: number;
}

/** The candidate with the fewest connections; among equals the lowest slot, so that the choice can be foretold. */
export function fewestConnections<T extends Candidate>(candidates: Iterable<T>): T | undefined {
  let best: T | undefined;
  for (const candidate of candidates) {
    if (
      best === undefined ||
      candidate.connections < best.connections ||
      (candidate.connections === best.connections && candidate.slot < best.slot)
    ) {
      best = candidate;
    }
  }
  return best;
}
