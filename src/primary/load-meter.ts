/** Runs in the primary. What a process said of itself last, and how many calls a second that makes; pure. */
export class LoadMeter<Load extends { readonly calls: number }> {
  /** Null before the first. */
  load: Load | null = null;
  callsPerSecond = 0;
  #at = 0;

  /** @param now milliseconds on the steady clock */
  note(load: Load, now: number): void {
    const seconds = (now - this.#at) / 1000;
    this.callsPerSecond = this.load === null || seconds <= 0 ? 0 : (load.calls - this.load.calls) / seconds;
    this.load = load;
    this.#at = now;
  }

  /** Milliseconds since the last; 0 before the first. */
  age(now: number): number {
    return this.load === null ? 0 : now - this.#at;
  }
}
