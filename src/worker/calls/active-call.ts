/** Runs in a worker: a call as the worker sees it, from its first byte to its end. The list of them is call-registry.ts. */
import { status, type Metadata, type ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { CallContext, deliverEnd, deliverHalfClose, deliverMessage, deliverMetadata } from './call-context.js';
import { explain } from './call-fault.js';
import { ForwardingCall, type CallListener, type CallMethod, type CallStatus } from './forwarding-call.js';
import { findMetadataFault } from './metadata-check.js';
import type { MethodFigures } from './method-figures.js';
import { fitStatus, INTERNAL_ERROR, isPlainOk, statusOf } from './status.js';
import { listenToAnswers } from './wire-answers.js';
import { countBytes } from './wire-bytes.js';
import { readTogether } from './wire-messages.js';

export interface CallOwner {
  readonly countsBytes: boolean;
  /** Milliseconds on the monotonic clock. */
  now(): number;
  /** Once a call, when nothing more will happen on it. @param ms what it took */
  ended(call: ActiveCall, code: number, ms: number): void;
  /** Something above misbehaved; `code` is what the client gets, or got. */
  fault(call: ActiveCall, error: string, code: number): void;
}

/** Something that a call holds until its end. */
export interface CallPlace {
  release(): void;
}

/**
 * A client that gives a call up at its deadline is ahead of our own timer by as much as the call took to get here
 * (and its news did not). A cancellation counts as the deadline when what is left of the time is less than this
 * share of what has passed, or this many milliseconds.
 */
const DEADLINE_SLACK = { share: 0.1, least: 5 };

/**
 * The outermost link, next to the wire. Whatever happens above it, the client gets at most one status, in a form
 * that can be sent; nothing thrown above it reaches grpc-js, which would end the process; and its owner hears of
 * its end exactly once.
 */
export class ActiveCall extends ForwardingCall {
  readonly #startedAt: number;
  /** Its place in the list of its owner, who alone looks at it. */
  index = -1;
  readonly context: CallContext;
  /** Messages. */
  received = 0;
  sent = 0;
  /** Counted for owners that want them. */
  bytesReceived = 0;
  bytesSent = 0;
  readonly #figures: MethodFigures;
  readonly #method: CallMethod;
  readonly #owner: CallOwner;
  #state: 'open' | 'answered' | 'over' = 'open';
  #code: number | null = null;
  #metadata: Metadata | null = null;
  #hasMessage = false;
  /** Its status came from above, not from grpc-js itself. */
  #isGiven = false;
  #place: CallPlace | null = null;

  constructor(method: CallMethod, wire: ServerInterceptingCallInterface, owner: CallOwner, figures: MethodFigures) {
    super(wire);
    this.#startedAt = owner.now();
    this.#method = method;
    this.#owner = owner;
    this.#figures = figures;
    this.context = new CallContext(method.path, this);
  }

  override get active(): this {
    return this;
  }

  /** `/pkg.Svc/Method` */
  get path(): string {
    return this.#method.path;
  }

  get isStreaming(): boolean {
    return this.#method.requestStream || this.#method.responseStream;
  }

  /** Milliseconds since its first byte. */
  get age(): number {
    return this.#owner.now() - this.#startedAt;
  }

  /** The status that the client gets, or got; null while that is open. */
  get code(): number | null {
    return this.#code;
  }

  /** True once nothing more can happen on the call. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** As getPeer() words it, and true also when the connection is gone. */
  get peer(): string {
    const { remoteAddress, remotePort } = this.getConnectionInfo();
    if (remoteAddress === undefined) return 'unknown';
    return remotePort === undefined ? remoteAddress : `${remoteAddress}:${String(remotePort)}`;
  }

  /**
   * Starts the wire's end before a handler does: the wire tells of the end of a call only those who have started
   * it, and an interceptor may never start it, or too late. The metadata waits here until then.
   */
  open(): void {
    listenToAnswers(this.below, this);
    readTogether(this.below);
    if (this.#owner.countsBytes) countBytes(this.below, this);
    this.below.start(this);
    // The stream was closed before it got here; grpc-js then says nothing at all.
    if (this.#metadata === null) this.onCancel();
  }

  /** Has the place released at the end of the call. False, and nothing is held, when it is over already. */
  hold(place: CallPlace): boolean {
    if (this.#state === 'over') return false;
    this.#place = place;
    return true;
  }

  /** Ends the call from outside, whatever it is doing. False when it had its status already. */
  end(answer: CallStatus): boolean {
    if (this.#state !== 'open') return false;
    this.sendStatus(answer);
    return true;
  }

  /** Something above threw: the call ends with that, or with INTERNAL and a report. */
  fail(error: unknown): void {
    this.end(statusOf(error));
    this.fault(explain(error));
  }

  /** Reports what went wrong above; `intended` is the answer that may still be on its way through interceptors. */
  fault(error: string, intended: number | null = null): void {
    this.#owner.fault(this, error, this.#code ?? intended ?? INTERNAL_ERROR.code);
  }

  override start(listener: CallListener): void {
    if (this.#state === 'over') {
      // Everyone who has started hears the end, so that what was counted at the start is counted off.
      process.nextTick(() => this.#tell(listener));
      return;
    }
    this.above = listener;
    if (this.#state !== 'open' || this.#metadata === null) return;
    try {
      deliverMetadata(this.context, listener, this.#metadata);
    } catch (error) {
      this.fail(error);
    }
  }

  override sendMetadata(metadata: Metadata): void {
    if (this.#state !== 'open') return;
    const fault = findMetadataFault(metadata);
    if (fault === null) this.below.sendMetadata(metadata);
    else this.fail(`The metadata cannot be sent: ${fault}.`);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (this.#state !== 'open') return;
    if (this.#hasMessage && !this.#method.responseStream) {
      this.fail('A second message was sent where the method has one.');
      return;
    }
    this.#hasMessage = true;
    this.below.sendMessage(message, callback);
    // A transport that could send at once has called back already, and its status may have been given meanwhile.
    if (this.code !== null && !this.#isGiven) {
      this.fault(this.#explainRefusal(message));
    } else {
      this.sent += 1;
      this.#figures.sent += 1;
    }
  }

  override sendStatus(given: CallStatus): void {
    if (this.#state !== 'open') return;
    this.#isGiven = true;
    if (isPlainOk(given) && (this.#hasMessage || this.#method.responseStream)) {
      this.below.sendStatus(given);
      return;
    }
    const faults: string[] = [];
    let answer = fitStatus(given, faults);
    if (answer.code === status.OK && !this.#hasMessage && !this.#method.responseStream) {
      faults.push('The call ended with OK but without a message.');
      answer = INTERNAL_ERROR;
    }
    this.below.sendStatus(answer);
    for (const fault of faults) this.fault(fault);
  }

  /** The wire is given a status, by us or by grpc-js itself (a deadline, a message that is too large...). */
  noteAnswer(code: number): void {
    if (this.#state !== 'open') return;
    this.#state = 'answered';
    this.#code = code;
  }

  /** From the wire, while it is being started. */
  override onReceiveMetadata(metadata: Metadata): void {
    this.#metadata = metadata;
  }

  override onReceiveMessage(message: unknown): void {
    this.received += 1;
    this.#figures.received += 1;
    try {
      deliverMessage(this.context, this.above, message);
    } catch (error) {
      this.fail(error);
    }
  }

  override onReceiveHalfClose(): void {
    try {
      deliverHalfClose(this.context, this.above);
    } catch (error) {
      this.fail(error);
    }
  }

  override onCancel(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#code ??= this.#isPastDeadline() ? status.DEADLINE_EXCEEDED : status.CANCELLED;
    const { above } = this;
    this.above = null;
    this.#metadata = null;
    if (above !== null) this.#tell(above);
    this.context.call = null;
    this.#place?.release();
    const ms = this.age;
    this.#figures.end(this.#code, ms);
    this.#owner.ended(this, this.#code, ms);
  }

  #tell(listener: CallListener): void {
    try {
      deliverEnd(this.context, listener);
    } catch (error) {
      this.fault(explain(error));
    }
  }

  #isPastDeadline(): boolean {
    const left = Number(this.getDeadline()) - Date.now();
    return left <= Math.max(DEADLINE_SLACK.least, DEADLINE_SLACK.share * this.age);
  }

  /** grpc-js answers a message that it cannot send by itself, and keeps the reason to itself. */
  #explainRefusal(message: unknown): string {
    try {
      this.#method.responseSerialize(message);
      return 'A message was larger than maxSendMessageLength.';
    } catch (error) {
      return `A message could not be serialized: ${explain(error)}`;
    }
  }
}
