/**
 * Runs in the primary. A clock that stands still while the primary itself did: after a SIGSTOP or a closed laptop
 * lid all deadlines would be over at once, and workers that did nothing wrong would be killed.
 */
import type { Clock } from '../shared/clock.js';

/** How often the clock looks at itself, and the gap between two looks that counts as a suspension, in ms. */
const LOOK_INTERVAL = 500;
const SUSPENDED_AFTER = 2500;

export class SteadyClock implements Clock {
  readonly #clock: Clock;
  #lastLook: number;
  #suspended = 0;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastLook = clock.monotonic();
    this.#lookAgain();
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    const now = this.#clock.monotonic();
    const gap = now - this.#lastLook;
    if (gap > SUSPENDED_AFTER) this.#suspended += gap;
    this.#lastLook = now;
    return now - this.#suspended;
  }

  /** Like any clock's; but whoever waits for a deadline must look at `monotonic()` again when called. */
  after(ms: number, callback: () => void): () => void {
    return this.#clock.after(ms, callback);
  }

  stop(): void {
    this.#cancel();
  }

  #lookAgain(): void {
    this.#cancel = this.#clock.after(LOOK_INTERVAL, () => {
      this.monotonic();
      this.#lookAgain();
    });
  }
}
