/** Runs in a worker. What servicers want done when their last call has ended. */
import { toError } from '../shared/errors.js';

/** What all of them together may take, in milliseconds. */
const TIMEOUT = 5000;

export class ShutdownHooks {
  readonly #callbacks: (() => unknown)[] = [];
  readonly #onError: (error: Error) => void;

  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  add(callback: () => unknown): void {
    this.#callbacks.push(callback);
  }

  /** Calls them in the reverse order of their registration; one that fails does not keep the others from running. */
  async run(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#onError(new Error(`onShutdown callbacks took more than ${TIMEOUT} ms; the worker exits without them`));
        resolve();
      }, TIMEOUT);
    });
    await Promise.race([this.#runAll(), late]);
    clearTimeout(timer);
  }

  async #runAll(): Promise<void> {
    for (const callback of this.#callbacks.reverse()) {
      try {
        await callback();
      } catch (error) {
        this.#onError(toError(error));
      }
    }
  }
}
