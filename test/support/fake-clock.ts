import type { Clock } from '#src/shared/clock.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that a test turns by hand. */
export class FakeClock implements Clock {
  #now = 0;
  /** How far the clock goes on by being read, in milliseconds: real ones do. */
  perReading = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return 1_700_000_000_000 + this.#now;
  }

  monotonic(): number {
    this.#now += this.perReading;
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass, timer by timer, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = end;
  }

  /** Timers that are due after `ms` fire, but the clock says that it is `by` less: real ones may be early. */
  early(ms: number, by: number): void {
    const end = this.#now + ms;
    this.#now = end - by;
    for (const timer of [...this.#timers].filter(({ at }) => at <= end)) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }

  /** Time passes while the process stands still: all timers that became due fire at once, late. */
  suspend(ms: number): void {
    this.#now += ms;
    this.advance(0);
  }
}
