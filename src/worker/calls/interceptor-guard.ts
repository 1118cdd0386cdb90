/** Runs in a worker: keeps what a user's interceptor throws from ending the process or leaving the client waiting. */
import type { Metadata, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import type { ActiveCall } from './active-call.js';
import { deliverHalfClose, deliverMessage, deliverMetadata } from './call-context.js';
import { explain } from './call-fault.js';
import { activeCallOf, ForwardingCall, interceptorOf, type CallListener, type CallStatus } from './forwarding-call.js';
import { INTERNAL_ERROR } from './status.js';

/**
 * A link between two interceptors that lets nothing thrown on one side reach the other: neither from the
 * interceptor above, which gets what the client sends, nor from the one below, which gets what the handler sends.
 * It restores the context of the call as well: an interceptor may go on in that of another, such as the one that
 * opened its connection to a database.
 */
class Bulkhead extends ForwardingCall {
  readonly #active: ActiveCall;
  /** The one above the next interceptor. */
  next: Bulkhead | null = null;

  constructor(below: ServerInterceptingCallInterface, active: ActiveCall) {
    super(below);
    this.#active = active;
  }

  override get active(): ActiveCall {
    return this.#active;
  }

  override start(listener: CallListener): void {
    this.above = listener;
    try {
      this.below.start(this);
    } catch (error) {
      this.fail(error);
    }
  }

  override sendMetadata(metadata: Metadata): void {
    try {
      this.below.sendMetadata(metadata);
    } catch (error) {
      this.fail(error);
    }
  }

  override sendMessage(message: unknown, callback: () => void): void {
    try {
      this.below.sendMessage(message, callback);
    } catch (error) {
      this.fail(error);
    }
  }

  override sendStatus(answer: CallStatus): void {
    try {
      this.below.sendStatus(answer);
    } catch (error) {
      this.fail(error);
    }
  }

  override onReceiveMetadata(metadata: Metadata): void {
    try {
      deliverMetadata(this.#active.context, this.above, metadata);
    } catch (error) {
      this.fail(error);
    }
  }

  override onReceiveMessage(message: unknown): void {
    try {
      deliverMessage(this.#active.context, this.above, message);
    } catch (error) {
      this.fail(error);
    }
  }

  override onReceiveHalfClose(): void {
    try {
      deliverHalfClose(this.#active.context, this.above);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Once. An interceptor that throws here does not pass the news on, so this does: a handler may be waiting for it. */
  override onCancel(): void {
    const { above } = this;
    this.above = null;
    try {
      above?.onCancel();
    } catch (error) {
      this.fail(error);
    }
    this.next?.onCancel();
  }

  fail(error: unknown): void {
    this.#active.end(INTERNAL_ERROR);
    this.#active.fault(explain(error));
  }
}

/** The user's interceptors as one, in their order; what any of them throws ends the call with INTERNAL. */
export function guardInterceptors(interceptors: readonly ServerInterceptor[]): ServerInterceptor {
  return interceptorOf((method, wire) => {
    const active = activeCallOf(wire);
    let top = new Bulkhead(wire, active);
    for (const interceptor of interceptors) {
      try {
        const made: ServerInterceptingCallInterface | undefined = interceptor(method, top);
        assertIsCall(made);
        const next = new Bulkhead(made, active);
        top.next = next;
        top = next;
      } catch (error) {
        top.fail(error);
        break;
      }
    }
    return top;
  });
}

const CALL_METHODS = ['start', 'sendMetadata', 'sendMessage', 'sendStatus', 'startRead'] as const;

/** Its methods count, not its class, which may be that of another grpc-js. */
function assertIsCall(made: Partial<ServerInterceptingCallInterface> | undefined): asserts made is ServerInterceptingCallInterface {
  const missing = CALL_METHODS.find((method) => typeof made?.[method] !== 'function');
  if (missing === undefined) return;
  throw new TypeError(`An interceptor returned no call (${missing} is missing); return new ServerInterceptingCall(call, ...).`);
}
