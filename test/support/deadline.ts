/** One limit for everything that a test waits for: what missed it says so, with whatever can explain it. */
export class Deadline {
  readonly #ms: number;
  readonly #at: number;

  /** @param ms milliseconds from now */
  constructor(ms: number) {
    this.#ms = ms;
    this.#at = performance.now() + ms;
  }

  get remaining(): number {
    return Math.max(0, this.#at - performance.now());
  }

  /** Settles as `promise` does; rejects when the time is over first. `explain` is asked only then. */
  async wait<T>(promise: Promise<T>, what: string, explain: () => string = () => ''): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`Waited ${this.#ms} ms in all, and still not: ${what}\n${explain()}`));
      }, this.remaining);
    });
    try {
      return await Promise.race([promise, over]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Asks again and again until the answer is not undefined. For facts that announce themselves to nobody. */
  async poll<T>(ask: () => Promise<T | undefined> | T | undefined, what: string, explain?: () => string): Promise<T> {
    for (;;) {
      const answer = await this.wait(Promise.resolve(ask()), what, explain);
      if (answer !== undefined) return answer;
      await this.wait(new Promise((resolve) => setTimeout(resolve, Math.min(20, this.remaining + 1))), what, explain);
    }
  }
}
