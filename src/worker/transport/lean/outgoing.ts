/** Runs in a worker. DATA on its way to the client: within the windows of streams and the credit of the link. */
import { AsyncResource } from 'node:async_hooks';
import { LINK_WINDOW, type LinkOwner } from '../../../front/link.js';
import { MAX_FRAME } from '../../../http2/constants.js';
import type { LeanStream } from './lean-stream.js';
import { NO_OWNER } from './no-owner.js';
import type { PendingWrite, WriteCallback } from './pending-write.js';
import { throwLater } from './throw-later.js';
import type { UnreadWatch } from './unread-watch.js';

/**
 * Bytes of answers that may wait for one client. A client that opens streams and never reads can pin no more: its further
 * calls are refused until it has read.
 */
export const MAX_WAITING = 256 * 1024 * 1024;

const MOST_DEPTH = 16;

export class Outgoing {
  #owner: LinkOwner;
  /** Called when all DATA of a stream that was ended has left. */
  readonly #onDrained: (stream: LeanStream) => void;
  readonly #watch: UnreadWatch;
  #credit = LINK_WINDOW;
  /** The streams that want credit and may send, in the order of their turns; a chain through `behind`. */
  #first: LeanStream | null = null;
  #last: LeanStream | null = null;
  #isSending = false;
  #waitingBytes = 0;
  /** Callbacks within callbacks. */
  #depth = 0;

  constructor(owner: LinkOwner, watch: UnreadWatch, onDrained: (stream: LeanStream) => void) {
    this.#owner = owner;
    this.#watch = watch;
    this.#onDrained = onDrained;
  }

  /** More waits than may. */
  get isFull(): boolean {
    return this.#waitingBytes > MAX_WAITING;
  }

  write(stream: LeanStream, buffer: Buffer, callback: WriteCallback | undefined): void {
    const size = buffer.length;
    // A stream that has something waiting is in line, or its window is used up.
    if (size <= MAX_FRAME && size <= stream.window && size <= this.#credit && this.#first === null) {
      stream.window -= size;
      this.#credit -= size;
      this.#owner.data(stream.id, buffer, 0, size, false);
      if (callback !== undefined) this.#callBack(callback);
      return;
    }
    this.#waitingBytes += size;
    this.#watch.grown(this.#waitingBytes);
    const waiting = { buffer, sent: 0, callback, resource: new AsyncResource('GRPC_WRITE') };
    if (stream.waiting === null) stream.waiting = [waiting];
    else stream.waiting.push(waiting);
    this.wake(stream);
  }

  /** Its window has grown, or it has something to send. */
  wake(stream: LeanStream): void {
    if (stream.waiting === null || stream.isInLine || stream.window <= 0) return;
    this.#lineUp(stream);
    this.#send();
  }

  /** The stream has ended. */
  drop(stream: LeanStream): void {
    if (stream.waiting === null) return;
    let bytes = 0;
    for (const { buffer, sent } of stream.waiting) bytes += buffer.length - sent;
    stream.waiting = null;
    this.#waitingBytes -= bytes;
    this.#watch.shrunk(bytes, this.#waitingBytes);
  }

  credit(bytes: number): void {
    this.#credit += bytes;
    this.#send();
  }

  close(): void {
    this.#owner = NO_OWNER;
    this.#watch.end();
  }

  #lineUp(stream: LeanStream): void {
    stream.isInLine = true;
    if (this.#last === null) this.#first = stream;
    else this.#last.behind = stream;
    this.#last = stream;
  }

  #leaveLine(stream: LeanStream): void {
    this.#first = stream.behind;
    if (this.#first === null) this.#last = null;
    stream.behind = null;
    stream.isInLine = false;
  }

  /** At once, which spares a call a tick, but not deeper and deeper where each callback writes the next message. */
  #callBack(callback: WriteCallback): void {
    if (this.#depth === MOST_DEPTH) {
      process.nextTick(callback);
      return;
    }
    this.#depth += 1;
    try {
      callback();
    } finally {
      this.#depth -= 1;
    }
  }

  /** One frame a turn, so that a large message does not keep others waiting. */
  #send(): void {
    // A callback that writes again is served by the loop that runs already.
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let stream = this.#first; stream !== null; stream = this.#first) {
        const [next] = stream.waiting ?? [];
        const size = next === undefined ? 0 : Math.min(MAX_FRAME, stream.window, next.buffer.length - next.sent);
        // All credit comes back, so it is not worth cutting a frame for.
        if (size > this.#credit) return;
        this.#leaveLine(stream);
        if (next !== undefined && stream.window > 0) this.#sendPiece(stream, next, size);
      }
    } finally {
      this.#isSending = false;
    }
  }

  #sendPiece(stream: LeanStream, next: PendingWrite, size: number): void {
    stream.window -= size;
    this.#credit -= size;
    this.#waitingBytes -= size;
    this.#watch.shrunk(size, this.#waitingBytes);
    const start = next.sent;
    next.sent += size;
    const isWhole = next.sent === next.buffer.length;
    if (isWhole) stream.waiting = stream.waiting !== null && stream.waiting.length > 1 ? stream.waiting.slice(1) : null;
    if (stream.waiting !== null && stream.window > 0) this.#lineUp(stream);
    this.#owner.data(stream.id, next.buffer, start, start + size, false);
    if (!isWhole) return;
    if (next.callback !== undefined) next.resource.runInAsyncScope(callBack, null, next.callback);
    if (stream.waiting === null && stream.ourHalf === 'ending') this.#onDrained(stream);
  }
}

function callBack(callback: WriteCallback): void {
  try {
    callback();
  } catch (error) {
    throwLater(error);
  }
}
