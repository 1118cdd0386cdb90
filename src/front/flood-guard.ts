/**
 * Runs in routers and workers. Bounds what a client may do for nothing: frames that cost us work and bring no call
 * further. Each kind has an allowance that fills with time; a client that goes on when it is empty is sent away with
 * ENHANCE_YOUR_CALM (RFC 9113 section 10.5). Pings are looked at as gRFC A8 wants it, too.
 */
import type { ClientLimit } from '../shared/client-limits.js';
import type { Clock } from '../shared/clock.js';
import { LimitFault } from './limit-fault.js';

interface Rate {
  /** How many at once. */
  readonly burst: number;
  readonly perSecond: number;
  /** Said to the client. */
  readonly what: string;
}

/**
 * A client of any library that gives thousands of its calls up at once stays below these: a call that got its answer
 * makes room for one more reset, DATA of ours for the updates of its window.
 */
export const FLOODS = {
  /** Calls that the client gave up (CVE-2023-44487), or made us reset (CVE-2025-8671), while they were in progress. */
  resets: { burst: 10_000, perSecond: 1000, what: 'too many resets of streams' },
  pings: { burst: 1000, perSecond: 100, what: 'too_many_pings' },
  settings: { burst: 100, perSecond: 10, what: 'too many SETTINGS' },
  /** Without bytes and without an end. */
  'empty-data': { burst: 1000, perSecond: 100, what: 'too many empty DATA frames' },
  'window-updates': { burst: 10_000, perSecond: 1000, what: 'too many WINDOW_UPDATE frames' },
  /** PRIORITY, GOAWAY, unknown types, answers that nobody asked for, frames of streams that are over. */
  'idle-frames': { burst: 10_000, perSecond: 1000, what: 'too many frames that mean nothing' },
  /** Above maxConcurrentStreams. */
  'refused-streams': { burst: 10_000, perSecond: 100, what: 'too many streams above the limit' },
} as const satisfies Partial<Record<ClientLimit, Rate>>;

export type Flood = keyof typeof FLOODS;

/** Pings that are too early, before the connection is ended (gRFC A8). */
const MOST_STRIKES = 2;
/**
 * Milliseconds between pings of a client that has calls: half of what gRFC A8 lets clients ask for, since no two take the
 * same time. Servers of grpc-js mind none, and their clients watch over silent streams with such pings.
 */
const PATIENCE_IN_CALLS = 5000;
/** A client may answer a frame of DATA with an update of each of its two windows, and some libraries with more. */
const UPDATES_PER_FRAME = 4;

export interface FloodGuardOptions {
  readonly clock: Clock;
  /** Milliseconds between pings of a client without calls while we send nothing; null: pings are no strikes. */
  readonly minPingInterval: number | null;
  readonly onFlood: (fault: LimitFault) => void;
}

export class FloodGuard {
  readonly #options: FloodGuardOptions;
  /** Of kinds that have not come yet there is all that there can be. */
  readonly #allowances: Partial<Record<Flood, { left: number; since: number }>> = {};
  #strikes = 0;
  #lastPing = -Infinity;
  #hasSent = true;

  constructor(options: FloodGuardOptions) {
    this.#options = options;
  }

  /** One more of those came. @returns false when it was one too many, and the connection ends */
  spend(kind: Flood): boolean {
    const allowance = (this.#allowances[kind] ??= { left: FLOODS[kind].burst, since: this.#options.clock.monotonic() });
    if (allowance.left < 1) this.#refill(kind, allowance);
    allowance.left -= 1;
    if (allowance.left >= 0) return true;
    this.#options.onFlood(new LimitFault(kind, FLOODS[kind].what));
    return false;
  }

  /**
   * @param calls that the client has in progress
   * @returns false when it was one too many, and the connection ends
   */
  ping(calls: number): boolean {
    if (!this.spend('pings')) return false;
    const { clock, minPingInterval, onFlood } = this.#options;
    const now = clock.monotonic();
    const patience = calls > 0 ? PATIENCE_IN_CALLS : Infinity;
    const isEarly = minPingInterval !== null && now < this.#lastPing + Math.min(minPingInterval, patience);
    this.#lastPing = now;
    if (this.#hasSent) this.#strikes = 0;
    else if (isEarly) this.#strikes += 1;
    this.#hasSent = false;
    if (this.#strikes <= MOST_STRIKES) return true;
    // These words: clients ping half as often when they read them.
    onFlood(new LimitFault('pings', FLOODS.pings.what));
    return false;
  }

  /** The client opened a stream. */
  opened(): void {
    this.#earn('idle-frames', 1);
    this.#earn('window-updates', UPDATES_PER_FRAME);
  }

  /** A frame of HEADERS or DATA has been written to the client. */
  sent(): void {
    this.#hasSent = true;
    this.#earn('pings', 1);
    this.#earn('window-updates', UPDATES_PER_FRAME);
  }

  /** A call got its answer. */
  answered(): void {
    this.#earn('resets', 1);
  }

  #earn(kind: Flood, count: number): void {
    const allowance = this.#allowances[kind];
    if (allowance !== undefined) allowance.left = Math.min(FLOODS[kind].burst, allowance.left + count);
  }

  /** Looked at only when it is needed: a clock costs more than a subtraction. */
  #refill(kind: Flood, allowance: { left: number; since: number }): void {
    const now = this.#options.clock.monotonic();
    const { burst, perSecond } = FLOODS[kind];
    allowance.left = Math.min(burst, allowance.left + ((now - allowance.since) / 1000) * perSecond);
    allowance.since = now;
  }
}
