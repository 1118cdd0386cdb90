/**
 * Runs in routers and workers. How we leave a client: first word that we are about to, while new streams are still
 * served; when the client has heard it, which of its streams was the last; then the end of the connection, once the
 * calls have ended (RFC 9113 section 6.8). So no call is ever refused.
 */
import { ERROR_CODE } from '../http2/constants.js';
import type { Clock } from '../shared/clock.js';
import type { Outlet } from './outlet.js';

/** "Not this one yet." */
const NO_LAST_STREAM = 2 ** 31 - 1;
/** Some clients lose a call when they are sent away before they have begun one; in milliseconds. */
export const YOUNG = 1000;
/** How long the client's answer to the first word may take, in milliseconds, and as a share of the grace. */
const ANSWER = { timeout: 10_000, share: 1 / 3 };
const PING = Buffer.from('farewell', 'latin1');

export interface FarewellOptions {
  readonly clock: Clock;
  readonly outlet: Outlet;
  readonly highestId: () => number;
  readonly streams: () => number;
  /** Whether the client has acknowledged our SETTINGS. */
  readonly isSettled: () => boolean;
}

export class Farewell {
  readonly #options: FarewellOptions;
  readonly #since: number;
  /** `young`: wanted, but too early; `wanted`: as soon as the client has said its first words. */
  #state: 'staying' | 'young' | 'wanted' | 'announced' | 'final' = 'staying';
  /** Whether the client wants to leave of its own accord. */
  #client: 'staying' | 'leaving' = 'staying';
  #reason = '';
  #grace: number | null = null;
  readonly #timers: (() => void)[] = [];

  constructor(options: FarewellOptions) {
    this.#options = options;
    this.#since = options.clock.monotonic();
  }

  /** New streams are none of ours any more. */
  get isFinal(): boolean {
    return this.#state === 'final';
  }

  begin(reason: string, grace: number | null): void {
    if (this.#state !== 'staying') return;
    this.#state = 'young';
    this.#reason = reason;
    this.#grace = grace;
    const age = this.#options.clock.monotonic() - this.#since;
    // Timers may be early by a hair, so that whoever looked at the clock again could wait for ever.
    if (age < YOUNG) this.#after(YOUNG - age, () => this.#grown());
    else this.#grown();
  }

  /** Something has happened that a farewell may have been waiting for. */
  settled(): void {
    const { outlet, isSettled } = this.#options;
    if (this.#state !== 'wanted' || !isSettled()) return;
    this.#state = 'announced';
    outlet.frames.goaway(NO_LAST_STREAM, ERROR_CODE.NO_ERROR, this.#reason);
    outlet.frames.ping(PING, false);
    outlet.flushSoon();
    const grace = this.#grace;
    if (grace !== null) this.#after(grace, () => this.#cutOff());
    this.#after(Math.min(ANSWER.timeout, grace === null ? Infinity : grace * ANSWER.share), () => this.#finish());
  }

  ponged(payload: Buffer): void {
    if (payload.equals(PING)) this.#finish();
  }

  /** The client has sent GOAWAY. */
  clientLeaves(): void {
    this.#client = 'leaving';
    this.streamsEnded();
  }

  streamsEnded(): void {
    const { outlet, highestId, streams } = this.#options;
    if (streams() > 0) return;
    if (this.#client === 'leaving' && this.#state !== 'final') {
      // What it begins now could not be answered any more; so it knows, and can do it elsewhere.
      this.#state = 'final';
      outlet.frames.goaway(highestId(), ERROR_CODE.NO_ERROR, 'the client leaves');
    }
    if (this.#state === 'final') outlet.end();
  }

  /** The connection is gone. */
  end(): void {
    for (const cancel of this.#timers) cancel();
  }

  #grown(): void {
    if (this.#state !== 'young') return;
    this.#state = 'wanted';
    this.settled();
  }

  #finish(): void {
    if (this.#state !== 'announced') return;
    this.#state = 'final';
    const { outlet, highestId } = this.#options;
    outlet.frames.goaway(highestId(), ERROR_CODE.NO_ERROR, this.#reason);
    outlet.flushSoon();
    this.streamsEnded();
  }

  /** The grace is over. */
  #cutOff(): void {
    const { outlet, highestId } = this.#options;
    outlet.frames.goaway(highestId(), ERROR_CODE.CANCEL, this.#reason);
    outlet.abort();
  }

  #after(ms: number, callback: () => void): void {
    this.#timers.push(this.#options.clock.after(ms, callback));
  }
}
