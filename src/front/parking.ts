/** Runs in routers and workers. Bytes of DATA that were taken for somebody who does not deal with them yet. */

/**
 * One stream may have STREAM_WINDOW of them, and all streams of a session together these: what comes above them stays
 * on the client's connection window, so that a client with a thousand stalled uploads costs its worker no more, and
 * stalls its own connection only. The same goes for a link: one worker that hangs stalls no calls on others.
 */
export const MAX_PARKED = 16 * 1024 * 1024;

/** Counts the bytes that wait, and how many of them the connection has credit for. */
export class Parking {
  #bytes = 0;
  readonly #limit: number;

  constructor(limit = MAX_PARKED) {
    this.#limit = limit;
  }

  /** @returns the bytes to give credit for now */
  enter(bytes: number): number {
    return this.#move(bytes) + bytes;
  }

  /** @returns the bytes to give credit for now, which had come above the limit */
  leave(bytes: number): number {
    return this.#move(-bytes);
  }

  /** What is above the limit has no credit; the change of that is what this returns, with its sign turned. */
  #move(change: number): number {
    const before = Math.max(0, this.#bytes - this.#limit);
    this.#bytes += change;
    return before - Math.max(0, this.#bytes - this.#limit);
  }
}
