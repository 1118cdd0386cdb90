/** Runs in the primary. Tells those who watch that something changed, not more often than anyone can look. */
import type { Clock } from '../shared/clock.js';

/** Shortest time between two notices, in milliseconds. */
const INTERVAL = 100;

export class Watchers {
  readonly #clock: Clock;
  readonly #callbacks = new Set<() => void>();
  #state: 'quiet' | 'due' = 'quiet';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls back after changes; the function returned ends that. */
  add(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => {
      this.#callbacks.delete(callback);
    };
  }

  notify(): void {
    if (this.#state === 'due' || this.#callbacks.size === 0) return;
    this.#state = 'due';
    this.#clock.after(INTERVAL, () => {
      this.#state = 'quiet';
      for (const callback of this.#callbacks) callback();
    });
  }
}
