/** Runs in the primary. The entries of the last fifteen minutes, numbered, for those who have seen the first of them. */
import { HISTORY_MS } from '../../../control/dashboard-feed.js';

export class Recent<Entry extends { readonly seq: number; readonly at: number }> {
  readonly #most: number;
  #entries: Entry[] = [];
  #nextSeq = 1;

  /** @param most entries that are kept, whatever their age */
  constructor(most: number) {
    this.#most = most;
  }

  add(entry: Omit<Entry, 'seq'>): void {
    // An entry is what it is without its number, and the number.
    this.#entries.push({ ...entry, seq: this.#nextSeq++ } as unknown as Entry);
    const oldest = entry.at - HISTORY_MS;
    const stale = this.#entries.findIndex(({ at }) => at >= oldest);
    const excess = Math.max(stale, this.#entries.length - this.#most);
    if (excess > 0) this.#entries = this.#entries.slice(excess);
  }

  after(seq: number): readonly Entry[] {
    return this.#entries.filter((entry) => entry.seq > seq);
  }
}
