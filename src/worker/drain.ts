/**
 * Runs in a worker. How it leaves: the primary has withdrawn it and said so (src/primary/supervisor.ts), so no
 * socket comes after this began. Then: end what would never end, let young connections settle, ask the clients to
 * go elsewhere, wait for the calls and the sockets, end what is left at its deadline, close what is left after that.
 */
import { status } from '@grpc/grpc-js';
import type { Arrivals } from './arrivals.js';
import type { CallSummary } from '../ipc/messages.js';
import { deferred } from '../shared/deferred.js';
import type { Emit } from '../shared/events.js';
import { ENDLESS_CALLS } from '../shared/observing-calls.js';
import type { ActiveCall } from './calls/active-call.js';
import type { CallRegistry } from './calls/call-registry.js';
import type { Transport } from './transport/transport.js';

export interface DrainLimits {
  /** For unary calls and for streams, in milliseconds. */
  readonly gracefulTimeout: number;
  readonly streamGracefulTimeout: number;
}

export interface DrainReport {
  readonly finished: number;
  readonly cut: readonly CallSummary[];
}

/** What answers that were cut get to reach their clients before the sockets go, in milliseconds. */
const LAST_WORDS = 500;

export class Drain {
  readonly #calls: CallRegistry;
  readonly #arrivals: Arrivals;
  readonly #transport: Transport;
  readonly #emit: Emit;
  readonly #done = deferred<DrainReport>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #finished = 0;
  readonly #cut: CallSummary[] = [];

  constructor(parts: { calls: CallRegistry; arrivals: Arrivals; transport: Transport; emit: Emit }) {
    this.#calls = parts.calls;
    this.#arrivals = parts.arrivals;
    this.#transport = parts.transport;
    this.#emit = parts.emit;
  }

  /**
   * Starts the drain; resolves when no call and no connection is left.
   * @param delay how long to wait before clients are asked to leave, in milliseconds; the limits count from then
   */
  run(limits: DrainLimits, delay: number): Promise<DrainReport> {
    this.#arrivals.onEmpty = () => this.#check();
    for (const call of this.#calls) {
      if (ENDLESS_CALLS.has(call.path)) this.#end(call, 'The worker is going away; ask again');
    }
    const { settle: grown } = this.#transport;
    const settle = Math.max(delay, grown - (performance.now() - this.#arrivals.youngest));
    this.#after(settle, () => this.#transport.drain());
    this.#after(delay + limits.gracefulTimeout, () => this.#cutCalls((call) => !call.isStreaming));
    this.#after(delay + limits.streamGracefulTimeout, () => this.#cutCalls((call) => call.isStreaming));
    this.#after(delay + Math.max(limits.gracefulTimeout, limits.streamGracefulTimeout) + grown + LAST_WORDS, () => this.#arrivals.destroyAll());
    this.#check();
    return this.#done.promise;
  }

  /** A call has ended, in whatever way. */
  noteCallEnded(): void {
    this.#finished += 1;
    this.#check();
  }

  /** Leaves `ms` milliseconds for all that is still to do. */
  hurry(ms: number): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#transport.drain();
    this.#after(Math.max(0, ms - LAST_WORDS), () => this.#cutCalls(() => true));
    this.#after(ms, () => this.#arrivals.destroyAll());
    this.#check();
  }

  #cutCalls(applies: (call: ActiveCall) => boolean): void {
    for (const call of this.#calls) {
      const summary = summarize(call);
      if (!applies(call) || !this.#end(call, 'The worker is going away and the call took too long')) continue;
      this.#cut.push(summary);
      this.#emit('call.cut', summary);
    }
  }

  /** Ends a call that would not end by itself; false when it had its status already. */
  #end(call: ActiveCall, details: string): boolean {
    const ended = call.end({ code: status.UNAVAILABLE, details, metadata: null });
    if (ended) this.#finished -= 1;
    return ended;
  }

  #check(): void {
    if (this.#calls.inFlight > 0 || this.#arrivals.connections > 0) return;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#done.resolve({ finished: this.#finished, cut: this.#cut });
  }

  #after(ms: number, action: () => void): void {
    this.#timers.add(setTimeout(action, ms));
  }
}

export function summarize({ path, peer, age }: ActiveCall): CallSummary {
  return { method: path, peer, ageMs: Math.round(age) };
}
