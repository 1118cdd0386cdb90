/** Runs in a worker: the guard of handlers that answer with one message, through a callback. */
import type { Metadata } from '@grpc/grpc-js';
import type { ActiveCall } from './active-call.js';
import { explain } from './call-fault.js';
import type { HandlerCall, HandlerCallback } from './handler-call.js';
import { isAftermath, isLeftLoop, isThenable } from './handler-outcome.js';
import { INTERNAL_ERROR, isStatusError } from './status.js';

/** A handler may give anything for an error. */
type Give = (error: unknown, value?: unknown, trailer?: Metadata, flags?: number) => void;
type CallbackHandler = (call: HandlerCall, callback: Give) => unknown;

const VALUE_RETURNED =
  'The handler resolved with a value, which nobody reads: call callback(null, value), ' +
  'or wrap the handlers with asyncHandlers(definition, { ... }).';

export function guardAnswer(
  handler: CallbackHandler,
  call: HandlerCall,
  callback: HandlerCallback,
  active: ActiveCall,
): void {
  const answer = new Answer(callback, active);
  // destroy(error) and emit('error') say that no answer will come.
  call.on('error', (error) => answer.abandon(error));
  try {
    const result = handler(call, (error, value, trailer, flags) => answer.give(error, value, trailer, flags));
    if (isThenable(result)) {
      result.then(
        (value) => answer.resolved(value),
        (error: unknown) => answer.fail(error),
      );
    }
  } catch (error) {
    answer.fail(error);
  }
}

/** The answer that a handler owes: the first one counts. */
class Answer {
  readonly #callback: HandlerCallback;
  readonly #active: ActiveCall;
  #state: 'owed' | 'given' = 'owed';

  constructor(callback: HandlerCallback, active: ActiveCall) {
    this.#callback = callback;
    this.#active = active;
  }

  give(error: unknown, value?: unknown, trailer?: Metadata, flags?: number): void {
    if (this.#state === 'given') {
      this.#active.fault(`The callback was called again, with ${explain(error ?? value)}; the first call counted.`);
    } else if (!error) {
      this.#state = 'given';
      this.#callback(null, value, trailer, flags);
    } else {
      this.#refuse(error, trailer);
    }
  }

  /** The handler threw or rejected. */
  fail(error: unknown): void {
    if (this.#state === 'owed') this.#refuse(error);
    else if (!isAftermath(error, this.#active)) this.#active.fault(explain(error));
  }

  /** The stream of the call was destroyed. */
  abandon(error: unknown): void {
    // A handler may leave its loop over the client's messages and still answer.
    if (this.#state === 'owed' && !isLeftLoop(error)) this.#refuse(error);
  }

  /** The handler's promise is fulfilled. Without a value it may still call back later, from an event or a timer. */
  resolved(value: unknown): void {
    if (value !== undefined && this.#state === 'owed' && this.#active.code === null) this.#refuse(VALUE_RETURNED);
  }

  #refuse(error: unknown, trailer?: Metadata): void {
    this.#state = 'given';
    if (isStatusError(error)) {
      this.#callback(error, null, trailer);
      return;
    }
    const wasOver = this.#active.isOver;
    this.#callback(INTERNAL_ERROR, null, trailer);
    if (!(wasOver && isAftermath(error, this.#active))) this.#active.fault(explain(error));
  }
}
