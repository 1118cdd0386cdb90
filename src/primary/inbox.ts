/** Runs in the primary. Takes whatever comes to the supervisor one after the other, and never one within another. */

export class Inbox {
  readonly #waiting: (() => void)[] = [];
  readonly #afterEach: () => void;
  readonly #whenEmpty: () => void;
  #state: 'idle' | 'taking' = 'idle';

  /**
   * @param afterEach what has to follow from any input
   * @param whenEmpty called when nothing waits any more
   */
  constructor(afterEach: () => void, whenEmpty: () => void) {
    this.#afterEach = afterEach;
    this.#whenEmpty = whenEmpty;
  }

  /** Takes the input now, or after those that came before it. */
  post(take: () => void): void {
    this.#waiting.push(take);
    if (this.#state === 'taking') return;
    this.#state = 'taking';
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        next();
        this.#afterEach();
      }
    } finally {
      this.#state = 'idle';
    }
    this.#whenEmpty();
  }
}
