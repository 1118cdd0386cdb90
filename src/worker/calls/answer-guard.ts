/** Runs in a worker: the guard of handlers that answer with one message, through a callback. */
import { Duplex } from 'node:stream';
import type { Metadata } from '@grpc/grpc-js';
import type { ActiveCall } from './active-call.js';
import { explain } from './call-fault.js';
import { takeErrors, type HandlerCallback, type HandlerStream } from './handler-call.js';
import { DESTROYED, isAftermath, isLeftLoop, isThenable, reasonOf } from './handler-outcome.js';
import { INTERNAL_ERROR, isStatusError } from './status.js';

/** A handler may give anything for an error. */
type Give = (error: unknown, value?: unknown, trailer?: Metadata, flags?: number) => void;
type CallbackHandler = (call: HandlerStream, callback: Give) => unknown;

const VALUE_RETURNED =
  'The handler resolved with a value, which nobody reads: call callback(null, value), ' +
  'or wrap the handlers with asyncHandlers({ ... }).';

export function guardAnswer(
  handler: CallbackHandler,
  call: HandlerStream,
  callback: HandlerCallback,
  active: ActiveCall,
): void {
  const answer = new Answer(callback, active);
  watchStream(call, answer);
  try {
    const result = handler(call, (error, value, trailer, flags) => answer.give(error, value, trailer, flags));
    if (isThenable(result)) {
      result.then(
        (value) => answer.returned(value),
        (error: unknown) => answer.fail(error),
      );
    } else {
      answer.returned(undefined);
    }
  } catch (error) {
    answer.fail(error);
  }
}

/** These calls are streams too, whose end is no answer. */
function watchStream(call: HandlerStream, answer: Answer): void {
  takeErrors(call, (error) => answer.abandon(error));
  if (!(call instanceof Duplex)) return;
  const destroy = call._destroy.bind(call);
  call._destroy = (error, callback) => {
    if (error === null && !call.cancelled) answer.abandon(DESTROYED);
    destroy(error, callback);
  };
}

/** The answer that a handler owes: the first one counts. */
class Answer {
  readonly #callback: HandlerCallback;
  readonly #active: ActiveCall;
  #handler: 'running' | 'returned' = 'running';
  /** The code of the answer; null while it is owed. */
  #code: number | null = null;
  /** Why the stream of the call was given up; no answer may come. */
  #abandoned: unknown = undefined;

  constructor(callback: HandlerCallback, active: ActiveCall) {
    this.#callback = callback;
    this.#active = active;
  }

  give(error: unknown, value?: unknown, trailer?: Metadata, flags?: number): void {
    if (this.#code !== null) {
      // Not the message itself: what clients are told is not for the log.
      this.#report(`The callback was called again, with ${error ? explain(error) : 'a message'}; the first call counted.`);
    } else if (error) {
      this.#refuse(error, trailer);
    } else {
      this.#code = 0;
      this.#callback(null, value, trailer, flags);
    }
  }

  /** The handler threw or rejected. */
  fail(error: unknown): void {
    this.#handler = 'returned';
    if (this.#code === null) this.#refuse(reasonOf(error));
    else if (!isAftermath(error, this.#active)) this.#report(explain(error));
  }

  /** The handler is done. Without a value it may still call back, from an event or a timer. */
  returned(value: unknown): void {
    this.#handler = 'returned';
    if (this.#code !== null) return;
    if (value !== undefined && this.#active.code === null) this.#refuse(VALUE_RETURNED);
    else if (this.#abandoned !== undefined) this.#giveUpSoon();
  }

  /** The stream of the call was destroyed, or emitted an error. A handler that left its loop can still answer. */
  abandon(error: unknown): void {
    if (isLeftLoop(error)) return;
    this.#abandoned = reasonOf(error);
    if (this.#handler === 'returned') this.#giveUpSoon();
  }

  /** Not at once: the handler may hear of the same error, and know a better answer. */
  #giveUpSoon(): void {
    setImmediate(() => {
      if (this.#code === null) this.#refuse(this.#abandoned);
    });
  }

  #refuse(error: unknown, trailer?: Metadata): void {
    const isSilent = isAftermath(error, this.#active);
    const answer = isStatusError(error) ? error : INTERNAL_ERROR;
    this.#code = answer.code;
    this.#callback(answer, null, trailer);
    if (answer !== error && !isSilent) this.#report(explain(error));
  }

  #report(error: string): void {
    this.#active.fault(error, this.#code);
  }
}
