/** Runs in a worker. How long calls took, in buckets that double: two additions a call, and a percentile on demand. */

/** Upper end of the first bucket, in milliseconds; the next ends are powers of GROWTH times that. */
const FIRST = 0.1;
const GROWTH = 2 ** 0.25;
/** Up to about ten minutes. */
const BUCKETS = 92;
const LOG_GROWTH = Math.log(GROWTH);

export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  /** @param ms time of one call */
  add(ms: number): void {
    const bucket = ms <= FIRST ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / FIRST) / LOG_GROWTH));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total += 1;
  }

  /** The time that the share of calls since the last time stayed below, at most 19 % too high; 0 without calls. */
  takePercentile(share: number): number {
    const wanted = this.#total * share;
    let seen = 0;
    let bucket = this.#total === 0 ? -1 : this.#counts.findIndex((count) => (seen += count) >= wanted);
    if (this.#total > 0 && bucket === -1) bucket = BUCKETS - 1;
    this.#counts.fill(0);
    this.#total = 0;
    return bucket === -1 ? 0 : FIRST * GROWTH ** bucket;
  }
}
