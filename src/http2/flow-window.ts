import { DEFAULT_WINDOW, MAX_WINDOW } from './constants.js';

/** How much the peer lets us send (RFC 9113 section 6.9). */
export class FlowWindow {
  #available: number;

  constructor(initial = DEFAULT_WINDOW) {
    this.#available = initial;
  }

  /** In bytes; below 0 after the peer has made its initial window smaller. */
  get available(): number {
    return this.#available;
  }

  /** @param bytes at most what is available */
  take(bytes: number): void {
    this.#available -= bytes;
  }

  /**
   * WINDOW_UPDATE.
   * @returns false when the window is above 2^31-1, which ends the stream or connection with FLOW_CONTROL_ERROR
   */
  add(increment: number): boolean {
    this.#available += increment;
    return this.#available <= MAX_WINDOW;
  }

  /**
   * What a new INITIAL_WINDOW_SIZE is above the old one, or below (section 6.9.2).
   * @returns false when the window is above 2^31-1, which ends the connection with FLOW_CONTROL_ERROR
   */
  adjust(delta: number): boolean {
    return this.add(delta);
  }
}

/** How much we let the peer send. */
export class ReceiveWindow {
  readonly #size: number;
  #available: number;
  /** Dealt with, and not announced yet. */
  #owed = 0;

  /**
   * @param size what the peer may have on its way, in bytes
   * @param initial what it may send before any credit, when that is less
   */
  constructor(size: number, initial = size) {
    this.#size = size;
    this.#available = initial;
    this.#owed = size - initial;
  }

  /**
   * That many bytes came, padding included.
   * @returns false when the peer was not allowed to: FLOW_CONTROL_ERROR
   */
  receive(bytes: number): boolean {
    this.#available -= bytes;
    return this.#available >= 0;
  }

  /**
   * That many bytes that came are dealt with.
   * @returns the increment to announce now: 0 until half of the window is owed
   */
  release(bytes: number): number {
    this.#owed += bytes;
    if (this.#owed * 2 < this.#size) return 0;
    const credit = this.#owed;
    this.#owed = 0;
    this.#available += credit;
    return credit;
  }
}
