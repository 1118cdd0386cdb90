/**
 * Runs in routers and workers. What goes to the client: frames of streams, in the order of each stream, DATA within
 * the connection's window and shared out fairly between streams (RFC 9113 section 6.9).
 */
import { DEFAULT_WINDOW } from '../http2/constants.js';
import { FlowWindow } from '../http2/flow-window.js';
import type { FrameBuffer } from '../http2/frame-buffer.js';
import type { FrontStream } from './front-stream.js';

/** The first octet of a block that empties the reader's table (RFC 7541 section 6.3). */
const EMPTY_TABLE = Buffer.from([0x20]);

export interface SenderOptions {
  /** A frame of a stream has been written. */
  readonly onFrame: () => void;
  /** The last frame of a stream has been written. */
  readonly onEnd: (stream: FrontStream) => void;
}

export class Sender {
  readonly #frames: FrameBuffer;
  readonly #onFrame: SenderOptions['onFrame'];
  readonly #onEnd: SenderOptions['onEnd'];
  readonly #window = new FlowWindow(DEFAULT_WINDOW);
  /** Streams with frames that wait for the window, the next one first. */
  #queue: FrontStream[] = [];
  /** Out of the queue: the client has made its window of streams smaller since their DATA came here (section 6.9.2). */
  readonly #stalled = new Set<FrontStream>();
  #streamWindow = DEFAULT_WINDOW;
  /** Streams with bytes to be credited. */
  #written: FrontStream[] = [];
  #blocks: 'none' | 'some' = 'none';

  constructor(frames: FrameBuffer, { onFrame, onEnd }: SenderOptions) {
    this.#frames = frames;
    this.#onFrame = onFrame;
    this.#onEnd = onEnd;
  }

  headers(stream: FrontStream, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (stream.waiting === null) this.#writeHeaders(stream, buffer, start, end, endStream);
    else stream.waiting.push({ kind: 'headers', buffer: Buffer.from(buffer.subarray(start, end)), start: 0, end: end - start, endStream });
  }

  data(stream: FrontStream, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (stream.waiting !== null) {
      stream.waiting.push({ kind: 'data', buffer, start, end, endStream });
    } else if (end - start <= this.#window.available) {
      this.#writeData(stream, buffer, start, end, endStream);
    } else {
      stream.waiting = [{ kind: 'data', buffer, start, end, endStream }];
      this.#queue.push(stream);
      this.#pump();
    }
  }

  /** A block of our own. */
  block(id: number, block: Buffer, endStream: boolean): void {
    this.#frames.headers(id, this.#first(block), 0, block.length + (this.#blocks === 'none' ? 1 : 0), endStream);
    this.#blocks = 'some';
  }

  /** The stream is over: what waits of it is dropped, and counts as gone. */
  drop(stream: FrontStream): void {
    if (stream.waiting === null) return;
    let bytes = 0;
    for (const { kind, start, end } of stream.waiting) if (kind === 'data') bytes += end - start;
    stream.waiting = null;
    if (!this.#stalled.delete(stream)) this.#queue.splice(this.#queue.indexOf(stream), 1);
    if (bytes > 0) this.#note(stream, bytes);
  }

  /** The client takes that many more bytes. @returns false when its window would be larger than any may be */
  grow(increment: number): boolean {
    if (!this.#window.add(increment)) return false;
    this.#pump();
    return true;
  }

  /** The client takes that many more bytes of the stream. */
  growStream(stream: FrontStream, increment: number): void {
    stream.granted += increment;
    if (this.#stalled.has(stream)) this.#resume([stream]);
  }

  /** The client's initial window of streams. Links keep to it by themselves; this is for what has come from them already. */
  setStreamWindow(bytes: number): void {
    this.#streamWindow = bytes;
    this.#resume([...this.#stalled]);
  }

  /** What was written has left: the links may send as much again. */
  credit(): void {
    if (this.#written.length === 0) return;
    const written = this.#written;
    this.#written = [];
    for (const stream of written) {
      const { written: bytes } = stream;
      stream.written = 0;
      stream.link.credit(bytes);
    }
  }

  #resume(streams: readonly FrontStream[]): void {
    for (const stream of streams) this.#stalled.delete(stream);
    this.#queue.push(...streams);
    this.#pump();
  }

  #pump(): void {
    while (this.#queue.length > 0) {
      const stream = this.#queue[0];
      const frame = stream?.waiting?.[0];
      if (stream === undefined || frame === undefined) return;
      if (frame.kind === 'data' && !this.#writePiece(stream, frame)) return;
      if (frame.kind === 'headers') {
        stream.waiting?.shift();
        this.#writeHeaders(stream, frame.buffer, frame.start, frame.end, frame.endStream);
      }
      // The stream may have been dropped by what its end has caused.
      if (this.#queue[0] === stream) this.#rotate(stream);
    }
  }

  /** To the back, or out. */
  #rotate(stream: FrontStream): void {
    this.#queue.shift();
    if (stream.waiting === null || this.#stalled.has(stream)) return;
    if (stream.waiting.length === 0) stream.waiting = null;
    else this.#queue.push(stream);
  }

  /** @returns false when the window of the connection allows nothing */
  #writePiece(stream: FrontStream, frame: { buffer: Buffer; start: number; readonly end: number; readonly endStream: boolean }): boolean {
    const { start, end } = frame;
    const mayGo = this.#streamWindow + stream.granted - stream.sent;
    const size = Math.min(end - start, Math.max(0, Math.min(this.#window.available, mayGo)));
    if (size === 0 && end > start) {
      if (mayGo <= 0) this.#stalled.add(stream);
      return mayGo <= 0;
    }
    const isLast = start + size === end;
    if (isLast) stream.waiting?.shift();
    frame.start += size;
    this.#writeData(stream, frame.buffer, start, start + size, frame.endStream && isLast);
    return true;
  }

  #writeData(stream: FrontStream, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#window.take(end - start);
    stream.sent += end - start;
    this.#frames.data(stream.id, buffer, start, end, endStream);
    this.#onFrame();
    if (end > start) this.#note(stream, end - start);
    if (endStream) this.#onEnd(stream);
  }

  #writeHeaders(stream: FrontStream, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#blocks === 'none') {
      this.block(stream.id, buffer.subarray(start, end), endStream);
    } else {
      this.#frames.headers(stream.id, buffer, start, end, endStream);
    }
    this.#onFrame();
    if (endStream) this.#onEnd(stream);
  }

  /**
   * A client that announced a smaller table wants to read at the start of the first block that it is smaller
   * (RFC 7541 section 4.2); to all others it is nothing new.
   */
  #first(block: Buffer): Buffer {
    return this.#blocks === 'none' ? Buffer.concat([EMPTY_TABLE, block]) : block;
  }

  #note(stream: FrontStream, bytes: number): void {
    if (stream.written === 0) this.#written.push(stream);
    stream.written += bytes;
  }
}
