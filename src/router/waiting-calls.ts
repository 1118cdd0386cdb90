/**
 * Runs in a router. All calls that wait: for a unit of the cap, for a link to be there, or, in line here, for a worker.
 * What they hold is bounded, in number and bytes.
 */
import type { Clock } from '../shared/clock.js';
import type { RefusedCalls } from './refused-calls.js';
import type { WaitingCall } from './waiting-call.js';

export const MOST_WAITING = { calls: 10_000, bytes: 64 * 1024 * 1024 } as const;

export class WaitingCalls {
  /** In milliseconds, of calls that come from now on. */
  queueTimeout: number;
  readonly #clock: Clock;
  readonly #limits: { readonly calls: number; readonly bytes: number };
  readonly #calls = new Set<WaitingCall>();
  /** In the order of their coming, with what puts each to a worker: false when there is none. */
  readonly #line = new Map<WaitingCall, () => boolean>();
  readonly #refused: RefusedCalls;
  #bytes = 0;

  constructor(queueTimeout: number, clock: Clock, refused: RefusedCalls, limits: { readonly calls: number; readonly bytes: number } = MOST_WAITING) {
    this.queueTimeout = queueTimeout;
    this.#clock = clock;
    this.#refused = refused;
    this.#limits = limits;
  }

  get size(): number {
    return this.#calls.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether one more may wait. */
  get hasRoom(): boolean {
    return this.#calls.size < this.#limits.calls && this.#bytes < this.#limits.bytes;
  }

  add(call: WaitingCall): void {
    this.#calls.add(call);
    this.#bytes += call.size;
  }

  /** It waits for a worker, at most for the queueTimeout. */
  lineUp(call: WaitingCall, place: () => boolean): void {
    this.#line.set(call, place);
    const ms = this.queueTimeout;
    const cancel = this.#clock.after(ms, () => call.refuse(this.#refused.noWorker(ms)));
    call.leave = () => {
      cancel();
      this.#line.delete(call);
    };
  }

  /** It holds more. */
  grow(call: WaitingCall, bytes: number): void {
    if (!this.#calls.has(call)) return;
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytes) call.refuse(this.#refused.queueFull());
  }

  remove(call: WaitingCall): void {
    if (this.#calls.delete(call)) this.#bytes -= call.size;
  }

  /** There may be a worker now. */
  serve(): void {
    for (const place of [...this.#line.values()]) if (!place()) return;
  }
}
