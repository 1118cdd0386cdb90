/** Runs in the browser. The moment that the reader points at, the same in all plots; null for now. */
export class Cursor {
  readonly #callbacks: ((at: number | null) => void)[] = [];
  #at: number | null = null;

  get at(): number | null {
    return this.#at;
  }

  onMove(callback: (at: number | null) => void): void {
    this.#callbacks.push(callback);
  }

  /** @param at milliseconds since the epoch */
  move(at: number | null): void {
    if (at === this.#at) return;
    this.#at = at;
    for (const callback of this.#callbacks) callback(at);
  }
}
