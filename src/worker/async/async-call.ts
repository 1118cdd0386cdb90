/** Runs in workers and in users' tests: the second parameter of an async handler. */
import type { EventEmitter } from 'node:events';
import { Metadata, type ServerDuplexStream, type ServerReadableStream, type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js';

/** What grpc-js gives to handlers. What travels on it is typed where handlers are (handler-types.ts). */
export type PlainCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerReadableStream<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;

type Surface = Pick<PlainCall, 'metadata' | 'getPeer' | 'getDeadline' | 'getPath' | 'getHost' | 'getAuthContext' | 'sendMetadata'>;

/** A call, as an async handler sees it. */
export interface AsyncCall extends Surface {
  /** Aborted when the call ends without the handler: cancelled by the client, past its deadline, cut at a stop. */
  readonly signal: AbortSignal;
  /** Goes out with the status, whichever it is: `call.trailer.set('cost', '3')`. */
  readonly trailer: Metadata;
}

/** One for each call; it watches for the end that the handler has not made. */
export class HandledCall implements AsyncCall {
  readonly #call: PlainCall;
  #state: 'open' | 'answered' | 'lost' = 'open';
  #controller: AbortController | null = null;
  #trailer: Metadata | null = null;
  readonly #onLost: (() => void)[] = [];

  constructor(call: PlainCall) {
    this.#call = call;
    // At the end of every call; after an answer nobody cares.
    (call as EventEmitter).once('cancelled', () => this.#lose());
    if (call.cancelled) this.#lose();
  }

  /** Its end came from elsewhere: nothing that the handler still says can reach the client. */
  get isLost(): boolean {
    return this.#state === 'lost';
  }

  get signal(): AbortSignal {
    // Most handlers never ask.
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.isLost) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  get trailer(): Metadata {
    return (this.#trailer ??= new Metadata());
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  getPeer(): string {
    return this.#call.getPeer();
  }

  getDeadline(): ReturnType<Surface['getDeadline']> {
    return this.#call.getDeadline();
  }

  getPath(): string {
    return this.#call.getPath();
  }

  getHost(): string {
    return this.#call.getHost();
  }

  getAuthContext(): ReturnType<Surface['getAuthContext']> {
    return this.#call.getAuthContext();
  }

  sendMetadata(metadata: Metadata): void {
    this.#call.sendMetadata(metadata);
  }

  /** Calls back when the call is lost, at once if it is already. */
  whenLost(callback: () => void): void {
    if (this.isLost) callback();
    else this.#onLost.push(callback);
  }

  /** The handler is done: from here on the end of the call is its own. Returns the trailers, if there are any. */
  answered(error?: unknown): Metadata | undefined {
    if (this.#state === 'open') this.#state = 'answered';
    if (this.#trailer === null) return undefined;
    const { metadata } = (error ?? {}) as { readonly metadata?: Partial<Metadata> };
    // Not by its class, which may be that of another grpc-js.
    if (typeof metadata?.getMap === 'function') this.#trailer.merge(metadata as Metadata);
    return this.#trailer;
  }

  #lose(): void {
    if (this.#state !== 'open') return;
    this.#state = 'lost';
    this.#controller?.abort(this.#reason());
    for (const callback of this.#onLost) callback();
  }

  /** An AbortError, which the guard of the handlers knows for the aftermath of an end. */
  #reason(): DOMException {
    const deadline = Number(this.#call.getDeadline());
    const why = deadline <= Date.now() ? 'its deadline has passed' : 'it was cancelled';
    return new DOMException(`The call of ${this.#call.getPath()} is over: ${why}.`, 'AbortError');
  }
}
