/** Runs in the primary. Gathers what happens in quick succession, until it is quiet. */
import type { Clock } from '../../shared/clock.js';

/** How long nothing may happen until a batch is complete, in milliseconds: an editor writes a file in several steps. */
export const QUIET_PERIOD = 150;
/** A batch is complete after this long in any case, in milliseconds: something may write for ever. */
export const LONGEST_BATCH = 5000;

export class Batch {
  readonly #clock: Clock;
  readonly #onComplete: (paths: ReadonlySet<string>, since: number) => void;
  #paths = new Set<string>();
  #since = 0;
  #cancel: () => void = () => undefined;

  /** @param onComplete gets the paths, and when the first was added in milliseconds of the clock */
  constructor(clock: Clock, onComplete: (paths: ReadonlySet<string>, since: number) => void) {
    this.#clock = clock;
    this.#onComplete = onComplete;
  }

  add(paths: Iterable<string>): void {
    const now = this.#clock.monotonic();
    for (const path of paths) {
      if (this.#paths.size === 0) this.#since = now;
      this.#paths.add(path);
    }
    if (this.#paths.size === 0) return;
    this.#cancel();
    this.#cancel = this.#clock.after(Math.min(QUIET_PERIOD, this.#since + LONGEST_BATCH - now), () => this.#complete());
  }

  /** Forgets what was gathered. */
  clear(): void {
    this.#cancel();
    this.#paths = new Set();
  }

  #complete(): void {
    const paths = this.#paths;
    this.#paths = new Set();
    this.#onComplete(paths, this.#since);
  }
}
