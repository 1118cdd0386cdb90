/**
 * The share of a cap on calls that the worker in `slot` gets: the shares of all slots sum to `total`, and the
 * lowest slots get one more when it cannot be divided evenly. With fewer calls than workers some shares are 0.
 */
export function shareCallLimit(total: number, workers: number, slot: number): number {
  return Math.floor(total / workers) + (slot < total % workers ? 1 : 0);
}

/** The shares as a person reads them: `5 calls in progress: 3 + 2`. */
export function describeCallShares(total: number, workers: number): string {
  const shares = Array.from({ length: workers }, (_, slot) => shareCallLimit(total, workers, slot));
  return `${total} calls in progress: ${shares.join(' + ')}`;
}
