import { randomFrom } from '../support/random.js';

/** Choices that a seed repeats. */
export class Chance {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomFrom(seed);
  }

  /** An integer in 0..limit-1. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  is(probability: number): boolean {
    return this.#next() < probability;
  }

  one<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T; // Below its length.
  }
}
