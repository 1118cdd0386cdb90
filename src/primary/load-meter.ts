/** Runs in the primary. What a process said of itself last, and how fast what it counts grows; pure. */
export class LoadMeter<Load extends { readonly calls: number }> {
  /** Null before the first. */
  load: Load | null = null;
  #before: Load | null = null;
  #seconds = 0;
  #at = 0;

  /** @param now milliseconds on the steady clock */
  note(load: Load, now: number): void {
    this.#seconds = (now - this.#at) / 1000;
    this.#before = this.load;
    this.load = load;
    this.#at = now;
  }

  /** From the last but one to the last; 0 before there are two. @param count what only grows */
  perSecond(count: (load: Load) => number): number {
    if (this.load === null || this.#before === null || this.#seconds <= 0) return 0;
    return (count(this.load) - count(this.#before)) / this.#seconds;
  }

  get callsPerSecond(): number {
    return this.perSecond(({ calls }) => calls);
  }

  /** Milliseconds since the last; 0 before the first. */
  age(now: number): number {
    return this.load === null ? 0 : now - this.#at;
  }
}
