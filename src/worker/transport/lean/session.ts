/**
 * Runs in a worker. The streams of one client connection, or of one link of a router: moves frames between the seam
 * (src/front/link.ts) and the streams that grpc-js works on, within the windows of both directions.
 */
import { status } from '@grpc/grpc-js';
import type { Link, LinkOwner, Links } from '../../../front/link.js';
import { Parking } from '../../../front/parking.js';
import type { PeerFacts } from '../../../front/peer-facts.js';
import { ConnectionError } from '../../../http2/connection-error.js';
import { DEFAULT_WINDOW, ERROR_CODE, MAX_WINDOW, STREAM_WINDOW } from '../../../http2/constants.js';
import { StreamTable } from '../../../http2/stream-table.js';
import type { ClientLimit } from '../../../shared/client-limits.js';
import type { Clock } from '../../../shared/clock.js';
import type { AnswerEncoder } from './answer-headers.js';
import { EndQueue } from './end-queue.js';
import { findViolation } from './find-violation.js';
import { LeanStream, type AnswerHeaders, type StreamSession } from './lean-stream.js';
import { NO_OWNER } from './no-owner.js';
import { Outgoing } from './outgoing.js';
import { createPeerSocket, type PeerSocket } from './peer-socket.js';
import type { WriteCallback } from './pending-write.js';
import type { RequestHeaders, RequestReader } from './request-headers.js';
import { throwLater } from './throw-later.js';
import { UnreadWatch } from './unread-watch.js';

export interface SessionOptions {
  readonly owner: LinkOwner;
  readonly peer: PeerFacts;
  /** What streams go to (adapter.ts). */
  readonly open: (stream: LeanStream, headers: RequestHeaders) => void;
  /** Shared by all sessions of a server, as are `answers`. */
  readonly requests: RequestReader;
  readonly answers: AnswerEncoder;
  readonly clock: Clock;
  readonly onLimit: (limit: ClientLimit) => void;
}

const NOTHING = Buffer.alloc(0);
/** The answer to a call whose client does not read those that it has. */
const UNREAD: AnswerHeaders = {
  ':status': 200,
  'content-type': 'application/grpc+proto',
  'grpc-status': status.RESOURCE_EXHAUSTED,
  'grpc-message': 'The client leaves too many answers unread.',
};

/** The only link of its connection, whose calls all come here. */
export class Session implements Link, Links, StreamSession {
  readonly socket: PeerSocket;
  #owner: LinkOwner;
  readonly #open: SessionOptions['open'];
  readonly #requests: RequestReader;
  readonly #answers: AnswerEncoder;
  readonly #onLimit: SessionOptions['onLimit'];
  readonly #streams = new StreamTable<LeanStream>();
  readonly #outgoing: Outgoing;
  readonly #parking = new Parking();
  readonly #ends = new EndQueue();
  #initialWindow = DEFAULT_WINDOW;
  #highestId = 0;

  constructor({ owner, peer, open, requests, answers, clock, onLimit }: SessionOptions) {
    this.#owner = owner;
    this.socket = createPeerSocket(peer);
    this.#open = open;
    this.#requests = requests;
    this.#answers = answers;
    this.#onLimit = onLimit;
    this.#outgoing = new Outgoing(owner, new UnreadWatch({ clock, onStalled: () => this.#giveUpUnread() }), (stream) => this.#endOurHalf(stream));
  }

  /** Streams that have not ended. */
  get size(): number {
    return this.#streams.size;
  }

  // From the client.

  choose(): Link {
    return this;
  }

  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.#streams.get(id);
    try {
      if (stream !== undefined) this.#readTrailers(stream, buffer, start, end, endStream);
      else if (id > this.#highestId) this.#openStream(id, buffer, start, end, endStream);
      // Else our side has ended, which the client did not know when it sent this.
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#owner.fail(error.code, error.message);
    }
  }

  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const size = end - start;
    const stream = this.#streams.get(id);
    const violation = stream === undefined ? null : findViolation(stream, size);
    if (stream === undefined || violation !== null) {
      if (size > 0) this.#owner.took(size);
      if (stream !== undefined && violation !== null) this.#reset(stream, violation);
      return;
    }
    if (endStream) stream.clientHalf = 'ended';
    if (size > 0) {
      const isParked = !stream.take(buffer, start, end);
      const credit = isParked ? this.#parking.enter(size) : size;
      if (credit > 0) this.#owner.took(credit);
      if (!isParked) this.#dealtWith(stream, size);
    }
    if (endStream) this.#endClientHalf(stream);
  }

  reset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#finish(stream, code);
  }

  windowUpdate(id: number, increment: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.window += increment;
    if (stream.window > MAX_WINDOW) this.#reset(stream, ERROR_CODE.FLOW_CONTROL_ERROR);
    else this.#outgoing.wake(stream);
  }

  settings(initialWindow: number, applied: () => void): void {
    const change = initialWindow - this.#initialWindow;
    this.#initialWindow = initialWindow;
    let largest = 0;
    for (const stream of this.#streams) {
      stream.window += change;
      largest = Math.max(largest, stream.window);
    }
    if (largest > MAX_WINDOW) {
      // RFC 9113 section 6.9.2: unlike with WINDOW_UPDATE, this is an error of the connection.
      this.#owner.fail(ERROR_CODE.FLOW_CONTROL_ERROR, 'the new initial window makes that of a stream larger than 2^31-1');
      return;
    }
    applied();
    for (const stream of this.#streams) this.#outgoing.wake(stream);
  }

  credit(bytes: number): void {
    this.#outgoing.credit(bytes);
  }

  close(): void {
    this.#owner = NO_OWNER;
    // No stream is above it: none is opened any more.
    this.#highestId = Infinity;
    this.#outgoing.close();
    for (const stream of this.#streams) this.#finish(stream, ERROR_CODE.CANCEL);
  }

  // From the handler, through its stream.

  respond(stream: LeanStream, headers: AnswerHeaders, endStream: boolean): void {
    const block = this.#answers.headers(headers);
    this.#owner.headers(stream.id, block, 0, block.length, endStream);
    if (endStream) this.#finish(stream, ERROR_CODE.NO_ERROR);
  }

  write(stream: LeanStream, buffer: Buffer, callback: WriteCallback | undefined): void {
    this.#outgoing.write(stream, buffer, callback);
  }

  end(stream: LeanStream): void {
    if (stream.waiting === null) this.#endOurHalf(stream);
  }

  sendTrailers(stream: LeanStream, headers: AnswerHeaders): void {
    const block = this.#answers.trailers(headers);
    this.#owner.headers(stream.id, block, 0, block.length, true);
    this.#finish(stream, ERROR_CODE.NO_ERROR);
  }

  abort(stream: LeanStream, code: number): void {
    this.#reset(stream, code);
  }

  unparked(stream: LeanStream, bytes: number): void {
    const credit = this.#parking.leave(bytes);
    if (credit > 0) this.#owner.took(credit);
    this.#dealtWith(stream, bytes);
  }

  #openStream(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#highestId = id;
    const headers = this.#requests.read(buffer, start, end);
    if (headers === 'too large' || this.#outgoing.isFull) {
      if (headers !== 'too large') this.#onLimit('unread-answers');
      const block = this.#answers.headers(headers === 'too large' ? this.#requests.refusal : UNREAD);
      this.#owner.headers(id, block, 0, block.length, true);
      return;
    }
    const expected = headers === 'malformed' ? -1 : Number(headers['content-length'] ?? -1);
    if (headers === 'malformed' || (endStream && expected > 0)) {
      this.#owner.reset(id, ERROR_CODE.PROTOCOL_ERROR);
      return;
    }
    const stream = new LeanStream(id, this, this.#initialWindow, STREAM_WINDOW);
    stream.expected = expected;
    if (endStream) stream.clientHalf = 'ended';
    this.#streams.add(stream);
    try {
      this.#open(stream, headers);
    } catch (error) {
      throwLater(error);
      this.#reset(stream, ERROR_CODE.INTERNAL_ERROR);
    }
    if (endStream) this.#endClientHalf(stream);
  }

  #readTrailers(stream: LeanStream, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const trailers = this.#requests.checkTrailers(buffer, start, end);
    if (trailers !== 'good' || !endStream || stream.clientHalf !== 'open') {
      this.#reset(stream, trailers === 'too large' ? ERROR_CODE.ENHANCE_YOUR_CALM : ERROR_CODE.PROTOCOL_ERROR);
      return;
    }
    stream.clientHalf = 'ended';
    this.#endClientHalf(stream);
  }

  #endClientHalf(stream: LeanStream): void {
    if (stream.expected > 0) this.#reset(stream, ERROR_CODE.PROTOCOL_ERROR);
    else stream.tellEnd();
  }

  #endOurHalf(stream: LeanStream): void {
    if (stream.wantsTrailers) {
      stream.askForTrailers();
    } else {
      this.#owner.data(stream.id, NOTHING, 0, 0, true);
      this.#finish(stream, ERROR_CODE.NO_ERROR);
    }
  }

  /** Announces what the handler has read when it is half of the window: seldom, and before a client has to wait. */
  #dealtWith(stream: LeanStream, bytes: number): void {
    stream.owed += bytes;
    if (stream.owed * 2 < STREAM_WINDOW || stream.closed || stream.clientHalf === 'ended') return;
    stream.receivable += stream.owed;
    this.#owner.windowUpdate(stream.id, stream.owed);
    stream.owed = 0;
  }

  /** The client has left too much unread for too long. */
  #giveUpUnread(): void {
    this.#onLimit('unread-answers');
    for (const stream of this.#streams) if (stream.waiting !== null) this.#reset(stream, ERROR_CODE.ENHANCE_YOUR_CALM);
  }

  #reset(stream: LeanStream, code: number): void {
    if (stream.closed) return;
    this.#owner.reset(stream.id, code);
    this.#finish(stream, code);
  }

  #finish(stream: LeanStream, code: number): void {
    if (stream.closed) return;
    this.#streams.delete(stream.id);
    this.#outgoing.drop(stream);
    const parked = stream.finish(code);
    const credit = parked === 0 ? 0 : this.#parking.leave(parked);
    if (credit > 0) this.#owner.took(credit);
    this.#ends.push(stream);
  }
}
