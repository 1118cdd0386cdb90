/** Runs in a worker: the guard of handlers that stream their answer. */
import { Duplex } from 'node:stream';
import { status } from '@grpc/grpc-js';
import type { ActiveCall } from './active-call.js';
import { explain } from './call-fault.js';
import { chainOf, takeErrors, type HandlerStream } from './handler-call.js';
import { DESTROYED, isAftermath, isLeftLoop, isThenable, reasonOf } from './handler-outcome.js';
import { isStatusError, statusOf } from './status.js';

export function guardStream(handler: (call: HandlerStream) => unknown, call: HandlerStream, active: ActiveCall): void {
  const guard = new StreamGuard(call, active);
  if (call instanceof Duplex) keepAnswerOpen(call);
  try {
    const result = handler(call);
    if (isThenable(result)) {
      result.then(
        () => guard.returned(),
        (error: unknown) => guard.fail(reasonOf(error)),
      );
    } else {
      guard.returned();
    }
  } catch (error) {
    guard.fail(reasonOf(error));
  }
}

/**
 * `for await (const message of call)` over a bidirectional call destroys it when the loop ends, even after the last
 * message, and with it the half that the answer goes through: the client would wait for ever. Here it does not.
 */
function keepAnswerOpen(call: Duplex): void {
  call[Symbol.asyncIterator] = () => call.iterator({ destroyOnReturn: false });
}

/**
 * Sees to the status of a stream. It replaces the two methods that node calls on a Writable at its end (`_final`
 * when all is written, `_destroy` when it is given up), because grpc-js answers in the first alone, and with the
 * message of any error.
 */
class StreamGuard {
  readonly #call: HandlerStream;
  readonly #active: ActiveCall;
  /** `running` until the handler returned or its promise settled; `answered` once a status is on its way. */
  #state: 'running' | 'returned' | 'answered' = 'running';
  /** What the call is to end with; undefined: with OK. */
  #error: unknown = undefined;
  /** An error that destroys the call is then emitted as well. */
  #dealtWith: unknown = undefined;

  constructor(call: HandlerStream, active: ActiveCall) {
    this.#call = call;
    this.#active = active;
    takeErrors(call, (error) => this.#errored(reasonOf(error)));
    const final = call._final.bind(call);
    const destroy = call._destroy.bind(call);
    call._final = (callback) => {
      if (this.#error === undefined) {
        this.#state = 'answered';
        final(callback);
      } else {
        callback();
        this.#answer(this.#error);
      }
    };
    call._destroy = (error, callback) => {
      this.#destroyed(error);
      destroy(error, callback);
    };
  }

  /** The handler threw or rejected: what it wrote goes out, then its status. */
  fail(error: unknown): void {
    if (this.#state === 'answered' || this.#call.cancelled || this.#call.writableEnded) {
      this.#report(error);
    } else if (this.#call.destroyed) {
      this.#answer(error);
    } else {
      this.#state = 'returned';
      this.#error = error;
      this.#call.end();
    }
  }

  /** The handler is done; its stream may go on, from events and timers. */
  returned(): void {
    if (this.#state !== 'running') return;
    this.#state = 'returned';
    if (this.#call.destroyed && !this.#call.cancelled) this.#answer(DESTROYED);
  }

  /** Ends the call as soon as what was written has gone out. */
  #errored(error: unknown): void {
    if (this.#state === 'answered' || this.#call.cancelled) {
      this.#report(error);
      return;
    }
    this.#error = error;
    this.#call.end();
  }

  #destroyed(error: Error | null): void {
    if (this.#call.cancelled) return;
    if (this.#state === 'answered') {
      if (error !== null) this.#report(error);
      return;
    }
    // A handler that is still running may throw the reason: that is the better answer.
    if (this.#state === 'running' && (error === null || isLeftLoop(error))) return;
    this.#answer(error ?? DESTROYED);
  }

  #answer(error: unknown): void {
    this.#state = 'answered';
    this.#error = error;
    chainOf(this.#call).sendStatus(statusOf(error));
    if (isStatusError(error)) this.#dealtWith = error;
    else this.#report(error);
  }

  #report(error: unknown): void {
    if (error === this.#dealtWith || isAftermath(error, this.#active)) return;
    this.#dealtWith = error;
    this.#active.fault(explain(error), this.#error === undefined ? status.OK : statusOf(this.#error).code);
  }
}
