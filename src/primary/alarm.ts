/** Runs in the primary. One timer, for whatever comes first. */
import type { Clock } from '../shared/clock.js';

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at the first of these moments, in milliseconds of the clock, and at none that was set before. */
  set(moments: readonly number[]): void {
    this.#cancel();
    const next = Math.min(...moments);
    if (next === Infinity) return;
    this.#cancel = this.#clock.after(Math.max(1, next - this.#clock.monotonic()), this.#ring);
  }
}
