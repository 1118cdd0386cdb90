/** Runs in the primary. A quantile of times that are known by their buckets, as Prometheus' histogram_quantile has it. */
import { LATENCY_BUCKETS } from '../../../shared/latency-buckets.js';

/**
 * @param buckets by LATENCY_BUCKETS, each for itself, and one for what took longer
 * @param share 0.99 for the 99th percentile
 * @returns milliseconds, as if the times of a bucket were spread evenly over it, and at most the end of the last; null without any
 */
export function quantileMs(buckets: readonly number[], share: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = share * total;
  let below = 0;
  for (const [index, end] of LATENCY_BUCKETS.entries()) {
    const count = buckets[index] ?? 0;
    if (count > 0 && below + count >= rank) {
      const start = LATENCY_BUCKETS[index - 1] ?? 0;
      return 1000 * (start + ((end - start) * (rank - below)) / count);
    }
    below += count;
  }
  return 1000 * (LATENCY_BUCKETS.at(-1) ?? 0);
}
