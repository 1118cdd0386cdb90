/**
 * Runs in a worker. A client whose windows stay closed pins its answers: when many bytes wait and hardly any leave, the
 * calls that wait are given up, so that such a client costs memory for a while and not for ever.
 */
import type { Clock } from '../../../shared/clock.js';

/** Bytes of answers that may wait as long as they like: a client may well pause a stream. */
export const MAY_STAY = 64 * 1024 * 1024;
/** Of what is above, so much has to leave in so much time: bytes, milliseconds. */
export const PACE = { bytes: 64 * 1024, ms: 60_000 } as const;

export interface UnreadWatchOptions {
  readonly clock: Clock;
  /** The client does not read. */
  readonly onStalled: () => void;
}

export class UnreadWatch {
  readonly #options: UnreadWatchOptions;
  #left = 0;
  #cancel: (() => void) | null = null;

  constructor(options: UnreadWatchOptions) {
    this.#options = options;
  }

  /** @param waiting bytes that wait now */
  grown(waiting: number): void {
    if (this.#cancel === null && waiting > MAY_STAY) this.#begin();
  }

  /** @param bytes that have left, or were dropped @param waiting bytes that wait now */
  shrunk(bytes: number, waiting: number): void {
    if (this.#cancel === null) return;
    this.#left += bytes;
    if (waiting <= MAY_STAY) this.end();
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #begin(): void {
    const { clock, onStalled } = this.#options;
    this.#left = 0;
    this.#cancel = clock.after(PACE.ms, () => {
      this.#cancel = null;
      if (this.#left >= PACE.bytes) this.#begin();
      else onStalled();
    });
  }
}
