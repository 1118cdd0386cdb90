/** Runs in a worker: its share of maximumConcurrentRpcs; the primary deals the shares out (src/shared/call-shares.ts). */
import { status, type ServerInterceptor } from '@grpc/grpc-js';
import type { ActiveCall } from './active-call.js';
import { isObserving } from '../../shared/observing-calls.js';
import { activeCallOf, interceptorOf, type CallStatus } from './forwarding-call.js';

const OVER_LIMIT: CallStatus = {
  code: status.RESOURCE_EXHAUSTED,
  details: 'Concurrent RPC limit exceeded!',
  metadata: null,
};

/**
 * At most `limit` calls in progress, whatever their kind, from their first byte to their end; the excess is
 * answered at once. Health checks and load reports are neither counted nor refused, or a busy worker would look like a dead one.
 * Its interceptor must come right after the accounting, whose calls know their end.
 */
export class CallLimit {
  readonly interceptor: ServerInterceptor;
  readonly #onRefused: () => void;
  #limit: number;
  #taken = 0;

  constructor(limit: number, onRefused: () => void = () => undefined) {
    this.#limit = limit;
    this.#onRefused = onRefused;
    this.interceptor = interceptorOf((_method, call) => {
      this.#admit(activeCallOf(call));
      return call;
    });
  }

  /** Changes how many; those that hold a place keep it. */
  setLimit(limit: number): void {
    this.#limit = limit;
  }

  /** Calls that hold a place now. */
  get taken(): number {
    return this.#taken;
  }

  /** Called by a call that holds a place, at its end. */
  release(): void {
    this.#taken -= 1;
  }

  #admit(call: ActiveCall): void {
    if (isObserving(call.path)) return;
    if (this.#taken < this.#limit) {
      if (call.hold(this)) this.#taken += 1;
    } else if (call.end(OVER_LIMIT)) {
      this.#onRefused();
    }
  }
}
