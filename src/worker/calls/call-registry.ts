/** Runs in a worker: the calls in progress. Next to the wire, so that no call and no end of one escapes it. */
import type { ServerInterceptor } from '@grpc/grpc-js';
import { systemClock, type Clock } from '../../shared/clock.js';
import { ActiveCall, type CallOwner } from './active-call.js';
import { codeName, type ReportFault } from './call-fault.js';
import { CallTally } from './call-tally.js';
import { interceptorOf } from './forwarding-call.js';

export interface CallRegistryOptions {
  readonly report: ReportFault;
  /** Called when a call has ended, with the status of its end; the call is no longer among those in flight. */
  readonly onCallEnded?: (call: ActiveCall, code: number, ms: number) => void;
  readonly clock?: Clock;
  /** What the calls are counted in. */
  readonly tally?: CallTally;
  /** Whether calls know the bytes of their messages. */
  readonly countsBytes?: boolean;
}

export class CallRegistry implements CallOwner, Iterable<ActiveCall> {
  /** Counts calls; must be the first of the interceptors, and serves any number of connections. */
  readonly accounting: ServerInterceptor;
  readonly countsBytes: boolean;
  /**
   * In no order: an ended call's place is taken by the last one. A Set would do the same in two words, and cost a
   * third of all the CPU of a call in garbage collection (bench/cost-of-parts.js).
   */
  readonly #calls: ActiveCall[] = [];
  readonly #report: ReportFault;
  readonly #onCallEnded: CallRegistryOptions['onCallEnded'];
  readonly #clock: Clock;
  #total = 0;

  constructor({ report, onCallEnded, clock = systemClock, tally = new CallTally(), countsBytes = false }: CallRegistryOptions) {
    this.countsBytes = countsBytes;
    this.#report = report;
    this.#onCallEnded = onCallEnded;
    this.#clock = clock;
    this.accounting = interceptorOf((method, wire) => {
      const figures = tally.of(method);
      const call = new ActiveCall(method, wire, this, figures);
      this.#total += 1;
      figures.started += 1;
      call.index = this.#calls.push(call) - 1;
      call.open();
      return call;
    });
  }

  /** Calls that have started and not ended. */
  get inFlight(): number {
    return this.#calls.length;
  }

  /** Calls that have ever started. */
  get total(): number {
    return this.#total;
  }

  /** The calls in flight at this moment; ending them meanwhile does no harm. */
  [Symbol.iterator](): Iterator<ActiveCall> {
    return [...this.#calls].values();
  }

  now(): number {
    return this.#clock.monotonic();
  }

  ended(call: ActiveCall, code: number, ms: number): void {
    const last = this.#calls.pop();
    if (last !== undefined && last !== call) {
      this.#calls[call.index] = last;
      last.index = call.index;
    }
    this.#onCallEnded?.(call, code, ms);
  }

  fault(call: ActiveCall, error: string, code: number): void {
    this.#report({ method: call.path, peer: call.peer, error, code: codeName(code) });
  }
}
