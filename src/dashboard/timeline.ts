/** Runs in the browser. The last fifteen minutes as this page knows them, over restarts of the daemon; pure. */
import type { Feed, HISTORY_MS, Mark, Sample } from '#src/control/dashboard-feed.js';

/** The browser can import no values of the server; the type says that it is the same number. */
export const WINDOW_MS: typeof HISTORY_MS = 900_000;

/** A daemon that has just started shows its first moments large. */
const SHORTEST_MS = 120_000;

export class Timeline {
  instance = '';
  /** Of the server, at the last word from it; milliseconds since the epoch. */
  now = 0;
  samples: readonly Sample[] = [];
  marks: readonly Mark[] = [];
  #lastSample = 0;
  #lastMark = 0;

  /** What to ask the server with, so that it tells only what is new. */
  get question(): string {
    return new URLSearchParams({ instance: this.instance, samples: String(this.#lastSample), marks: String(this.#lastMark) }).toString();
  }

  /** Where the plots begin. */
  get start(): number {
    const first = Math.min(this.samples[0]?.at ?? this.now, this.now - SHORTEST_MS);
    return Math.max(first, this.now - WINDOW_MS);
  }

  add({ instance, now, samples, marks }: Feed): void {
    // Another life of the daemon counts from the beginning; what is known of the last one stays on the time line.
    if (instance !== this.instance) this.#lastSample = this.#lastMark = 0;
    this.instance = instance;
    this.now = now;
    const isRecent = ({ at }: { readonly at: number }): boolean => at >= now - WINDOW_MS;
    this.samples = [...this.samples, ...samples].filter(isRecent);
    this.marks = [...this.marks, ...marks].filter(isRecent);
    this.#lastSample = samples.at(-1)?.seq ?? this.#lastSample;
    this.#lastMark = marks.at(-1)?.seq ?? this.#lastMark;
  }
}
