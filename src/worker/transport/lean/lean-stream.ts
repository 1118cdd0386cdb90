/** Runs in a worker. A call's stream, as grpc-js sees it. Its session (session.ts) moves the frames. */
import { ERROR_CODE } from '../../../http2/constants.js';
import { ParkedBytes } from './parked-bytes.js';
import type { PeerSocket } from './peer-socket.js';
import type { PendingWrite, WriteCallback } from './pending-write.js';
import { pieceOf } from '../../../http2/piece.js';
import { throwLater } from './throw-later.js';

/** What grpc-js gives as headers: numbers are printed, a field with several values is repeated. */
export type AnswerHeaders = Readonly<Record<string, string | number | readonly string[] | undefined>>;
type Listener = (argument?: unknown) => void;

/** What a stream needs of its session. */
export interface StreamSession {
  /** grpc-js reads it. */
  readonly socket: PeerSocket;
  respond(stream: LeanStream, headers: AnswerHeaders, endStream: boolean): void;
  write(stream: LeanStream, buffer: Buffer, callback: WriteCallback | undefined): void;
  end(stream: LeanStream): void;
  sendTrailers(stream: LeanStream, headers: AnswerHeaders): void;
  /** Ends the stream from this side, at once. */
  abort(stream: LeanStream, code: number): void;
  /** That many bytes are parked no more. */
  unparked(stream: LeanStream, bytes: number): void;
}

/**
 * What grpc-js 1.14 uses of node's ServerHttp2Stream, and nothing else. Not an EventEmitter, which would cost a call
 * 0.6 us more of about 4 (bench/lean-call.js). `close` comes exactly once, in a later
 * tick, with `closed` and `destroyed` true since the end itself; after that nothing here throws or has an effect.
 * No `error` is ever emitted: whatever ends a stream is told by `close`.
 */
export class LeanStream {
  readonly id: number;
  readonly session: StreamSession;
  headersSent = false;
  closed = false;
  destroyed = false;
  /** Closed before the answer was complete. */
  aborted = false;
  /** Why it was closed (RFC 9113 section 7). */
  rstCode = 0;

  /** For the session alone, as all that follows. Bytes that the client takes; negative when it shrank its window. */
  window: number;
  /** Bytes that the client may send; the rest of STREAM_WINDOW waits here or is `owed`. */
  receivable: number;
  /** Bytes dealt with that the client has not heard of. */
  owed = 0;
  /** Bytes still to come by the client's content-length; -1 when it gave none. */
  expected = -1;
  clientHalf: 'open' | 'ended' = 'open';
  /** `asked`: all DATA has left, and grpc-js has been asked for the trailers. */
  ourHalf: 'open' | 'ending' | 'asked' | 'ended' = 'open';
  wantsTrailers = false;
  /** Null, as for most calls always, while nothing waits. */
  waiting: PendingWrite[] | null = null;
  /** In the line of those that send (outgoing.ts), with the next one `behind`. */
  isInLine = false;
  behind: LeanStream | null = null;

  private isFlowing = false;
  private parked: ParkedBytes | null = null;
  private isEndTold = false;
  private onData: Listener | null = null;
  private onEnd: Listener | null = null;
  private onWantTrailers: Listener | null = null;
  private onClose: Listener | null = null;

  constructor(id: number, session: StreamSession, window: number, receivable: number) {
    this.id = id;
    this.session = session;
    this.window = window;
    this.receivable = receivable;
  }

  /** @throws Error for an event that is never emitted here */
  on(event: string, listener: Listener): this {
    switch (event) {
      case 'data':
        this.onData = both(this.onData, listener);
        break;
      case 'end':
        this.onEnd = both(this.onEnd, listener);
        break;
      case 'close':
        this.onClose = both(this.onClose, listener);
        break;
      case 'wantTrailers':
        this.onWantTrailers = both(this.onWantTrailers, listener);
        break;
      case 'error':
        break;
      default:
        throw new Error(`grpc-js listens to "${event}" of a stream, which the lean transport does not know.`);
    }
    return this;
  }

  /** As `on`: nothing but `data`, which grpc-js does not listen to in this way, is emitted twice. */
  once(event: string, listener: Listener): this {
    return this.on(event, listener);
  }

  pause(): void {
    this.isFlowing = false;
  }

  resume(): void {
    this.isFlowing = true;
    if (this.parked !== null) this.flush();
    else if (this.clientHalf === 'ended') this.tellEnd();
  }

  respond(headers: AnswerHeaders, options?: { readonly endStream?: boolean; readonly waitForTrailers?: boolean }): void {
    if (this.closed || this.headersSent) return;
    this.headersSent = true;
    this.wantsTrailers = options?.waitForTrailers === true;
    this.session.respond(this, headers, options?.endStream === true);
  }

  /** `callback` is called when the bytes have left through the link: at once, when the windows permit. */
  write(buffer: Buffer, callback?: WriteCallback): boolean {
    if (this.ourHalf === 'open') this.session.write(this, buffer, callback);
    else callback?.();
    return true;
  }

  end(): void {
    if (this.ourHalf !== 'open') return;
    this.ourHalf = 'ending';
    this.session.end(this);
  }

  sendTrailers(headers: AnswerHeaders): void {
    if (!this.closed) this.session.sendTrailers(this, headers);
  }

  close(code = 0): void {
    if (!this.closed) this.session.abort(this, code);
  }

  destroy(error?: Error): void {
    if (!this.closed) this.session.abort(this, error === undefined ? ERROR_CODE.CANCEL : ERROR_CODE.INTERNAL_ERROR);
  }

  /** From the session: DATA of the client. False when it is parked. */
  take(buffer: Buffer, start: number, end: number): boolean {
    if (this.isFlowing) {
      this.emitData(pieceOf(buffer, start, end));
      return true;
    }
    this.parked ??= new ParkedBytes();
    this.parked.push(buffer, start, end);
    return false;
  }

  /** From the session: the client's half has ended. */
  tellEnd(): void {
    if (!this.isFlowing || this.parked !== null || this.isEndTold || this.closed) return;
    this.isEndTold = true;
    try {
      this.onEnd?.();
    } catch (error) {
      throwLater(error);
    }
  }

  /** From the session: all DATA has left. */
  askForTrailers(): void {
    this.ourHalf = 'asked';
    try {
      if (this.onWantTrailers === null) this.sendTrailers({});
      else this.onWantTrailers();
    } catch (error) {
      throwLater(error);
    }
  }

  /** From the session: a tick after the end. */
  tellClose(): void {
    try {
      this.onClose?.();
    } catch (error) {
      throwLater(error);
    }
  }

  /** From the session: the end. Returns the number of bytes that had been parked. */
  finish(code: number): number {
    this.aborted = code !== ERROR_CODE.NO_ERROR && this.ourHalf !== 'ended';
    this.closed = true;
    this.destroyed = true;
    this.rstCode = code;
    this.ourHalf = 'ended';
    const bytes = this.parked?.size ?? 0;
    this.parked = null;
    return bytes;
  }

  private flush(): void {
    // Whoever listens may pause or end the stream meanwhile.
    while (this.isFlowing && this.parked !== null) {
      const piece = this.parked.shift();
      if (this.parked.size === 0) this.parked = null;
      if (piece === undefined) break;
      this.session.unparked(this, piece.length);
      this.emitData(piece);
    }
    if (this.clientHalf === 'ended') this.tellEnd();
  }

  private emitData(piece: Buffer): void {
    try {
      this.onData?.(piece);
    } catch (error) {
      throwLater(error);
    }
  }
}

/** One listener that calls two, for what never happens but is cheap to allow. */
function both(first: Listener | null, second: Listener): Listener {
  if (first === null) return second;
  return (argument) => {
    first(argument);
    second(argument);
  };
}
