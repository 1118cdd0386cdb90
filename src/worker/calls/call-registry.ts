/** Runs in a worker: the calls in progress. Next to the wire, so that no call and no end of one escapes it. */
import type { ServerInterceptor } from '@grpc/grpc-js';
import { systemClock, type Clock } from '../../shared/clock.js';
import { ActiveCall, type CallOwner } from './active-call.js';
import { codeName, type ReportFault } from './call-fault.js';
import { interceptorOf } from './forwarding-call.js';

export interface CallRegistryOptions {
  readonly report: ReportFault;
  /** Called when a call has ended, with the status of its end; the call is no longer among those in flight. */
  readonly onCallEnded?: (call: ActiveCall, code: number) => void;
  readonly clock?: Clock;
}

export class CallRegistry implements CallOwner, Iterable<ActiveCall> {
  /** Counts calls; must be the first of the interceptors, and serves any number of connections. */
  readonly accounting: ServerInterceptor;
  readonly #calls = new Set<ActiveCall>();
  readonly #report: ReportFault;
  readonly #onCallEnded: CallRegistryOptions['onCallEnded'];
  #total = 0;

  constructor({ report, onCallEnded, clock = systemClock }: CallRegistryOptions) {
    this.#report = report;
    this.#onCallEnded = onCallEnded;
    this.accounting = interceptorOf((method, wire) => {
      const call = new ActiveCall(method, wire, this, clock.monotonic());
      this.#total += 1;
      this.#calls.add(call);
      call.open();
      return call;
    });
  }

  /** Calls that have started and not ended. */
  get inFlight(): number {
    return this.#calls.size;
  }

  /** Calls that have ever started. */
  get total(): number {
    return this.#total;
  }

  [Symbol.iterator](): Iterator<ActiveCall> {
    return this.#calls.values();
  }

  ended(call: ActiveCall, code: number): void {
    this.#calls.delete(call);
    this.#onCallEnded?.(call, code);
  }

  fault(call: ActiveCall, error: string, code: number): void {
    this.#report({ method: call.path, peer: call.peer, error, code: codeName(code) });
  }
}
