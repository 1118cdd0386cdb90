/** Runs in the primary. A histogram as Prometheus wants it: each bucket holds those before it, too. */
import type { Sample } from '../../shared/metrics.js';

/** @param counts of each bucket for itself, and of what is above the last */
export function histogramSamples(labels: Sample['labels'], ends: readonly number[], counts: readonly number[], sum: number): Sample[] {
  let count = 0;
  const buckets = counts.map((each, index): Sample => {
    count += each;
    return { labels: { ...labels, le: ends[index] ?? '+Inf' }, value: count, part: '_bucket' };
  });
  return [...buckets, { labels, value: sum, part: '_sum' }, { labels, value: count, part: '_count' }];
}
