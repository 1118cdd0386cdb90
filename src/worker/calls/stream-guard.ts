/** Runs in a worker: the guard of handlers that stream their answer. */
import type { ActiveCall } from './active-call.js';
import { explain } from './call-fault.js';
import { chainOf, type AnswerStream } from './handler-call.js';
import { isAftermath, isLeftLoop, isThenable } from './handler-outcome.js';
import { isStatusError, statusOf } from './status.js';

const DESTROYED =
  'The call was destroyed before it ended (leaving a "for await" loop over a call destroys it): ' +
  'end it with call.end(), or throw the status.';

export function guardStream(handler: (call: AnswerStream) => unknown, call: AnswerStream, active: ActiveCall): void {
  const guard = new StreamGuard(call, active);
  try {
    const result = handler(call);
    if (isThenable(result)) {
      result.then(
        () => guard.returned(),
        (error: unknown) => guard.fail(error),
      );
    } else {
      guard.returned();
    }
  } catch (error) {
    guard.fail(error);
  }
}

/**
 * Sees to the status of a stream. It replaces the two methods that node calls on a Writable at its end (`_final`
 * when all is written, `_destroy` when it is given up), because grpc-js answers in the first alone, and with the
 * message of any error.
 */
class StreamGuard {
  readonly #call: AnswerStream;
  readonly #active: ActiveCall;
  /** `running` until the handler returned or its promise settled; `answered` once a status is on its way. */
  #state: 'running' | 'returned' | 'answered' = 'running';
  /** What the call is to end with; undefined: with OK. */
  #error: unknown = undefined;

  constructor(call: AnswerStream, active: ActiveCall) {
    this.#call = call;
    this.#active = active;
    // Before the listener of grpc-js, which ends the call.
    call.prependListener('error', (error: unknown) => this.#errored(error));
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
    if (this.#state === 'answered' || this.#call.cancelled) {
      if (!isAftermath(error, this.#active)) this.#active.fault(explain(error));
    } else if (this.#call.destroyed) {
      this.#answer(error);
    } else {
      this.#error = error;
      this.#state = 'returned';
      this.#call.end();
    }
  }

  /** The handler is done; its stream may go on, from events and timers. */
  returned(): void {
    if (this.#state !== 'running') return;
    this.#state = 'returned';
    if (this.#call.destroyed && !this.#call.cancelled) this.#answer(DESTROYED);
  }

  #errored(error: unknown): void {
    if (this.#state !== 'answered') this.#error = error;
    else if (!isAftermath(error, this.#active)) this.#active.fault(explain(error));
  }

  #destroyed(error: Error | null): void {
    if (this.#state === 'answered' || this.#call.cancelled) return;
    const isPlain = error === null || isLeftLoop(error);
    // A handler that left its loop has yet to say why: the error that it throws is the answer.
    if (this.#state === 'running' && isPlain) return;
    this.#answer(isPlain ? DESTROYED : error);
  }

  #answer(error: unknown): void {
    this.#state = 'answered';
    chainOf(this.#call).sendStatus(statusOf(error));
    if (!isStatusError(error)) this.#active.fault(explain(error));
  }
}
