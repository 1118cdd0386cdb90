import { byteAt, putUint24, uint24At, uint31At } from './bytes.js';
import { ConnectionError } from './connection-error.js';
import { ERROR_CODE, FLAG, FRAME, FRAME_HEADER, MAX_FRAME } from './constants.js';

/**
 * The payload is buffer[start..end); whoever keeps some of it copies it or takes a subarray. One DATA frame may be passed
 * as several: where a peer cuts its DATA says nothing (RFC 9113 section 6.1).
 */
export type OnFrame = (type: number, flags: number, id: number, buffer: Buffer, start: number, end: number) => void;

/** Room that the beginning of a split frame gets, and how much more than has come, at most. */
const LEAST_ROOM = 1024;
const GROWTH = 4;

/** So much of a DATA frame is passed on before the rest has come: copying it would cost more than a header of its own. */
const LEAST_PART = 2048;

/** What one turn takes: so many frames, of which those that begin a call count for CALL. */
const TURN = 1024;
const CALL = 16;

/**
 * Finds the frames in a stream of bytes that is cut anywhere. Frames that are whole in their chunk are passed where
 * they lie, and so are large parts of DATA. The beginning of any other is copied, so that a few bytes never keep a large
 * chunk alive, into room that grows with what came, so that a peer cannot make us reserve 16 KiB with a header alone.
 */
export class FrameReader {
  readonly #onFrame: OnFrame;
  readonly #maxFrameSize: number;
  readonly #onPause: (() => void) | null;
  #state: 'reading' | 'paused' | 'stopped' = 'reading';
  /** Of this turn. */
  #left = TURN;
  /** What came while it was paused, or was left of a chunk then. */
  #parked: Buffer | null = null;
  /** Where reading the chunk ends. */
  #end = 0;
  /** The beginning of a split frame, header first: #part[0..#held). Of DATA that was passed in part, as if the rest were all. */
  #part: Buffer | null = null;
  #held = 0;

  /**
   * @param onFrame may throw, which passes through; the reader is of no use afterwards
   * @param onPause frames enough for a turn were passed: `goOn` passes more. Null: there are no turns
   */
  constructor(onFrame: OnFrame, maxFrameSize = MAX_FRAME, onPause: (() => void) | null = null) {
    this.#onFrame = onFrame;
    this.#maxFrameSize = maxFrameSize;
    this.#onPause = onPause;
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** Bytes of a frame that is still to be completed. */
  get buffered(): number {
    return this.#held;
  }

  /** No frame is passed from now on, not even those in the chunk that is being read. */
  stop(): void {
    this.#state = 'stopped';
    this.#end = 0;
    this.#parked = null;
    this.#part = null;
    this.#held = 0;
  }

  /** @throws ConnectionError FRAME_SIZE_ERROR when the payload of a frame is too large, and what `onFrame` throws */
  push(chunk: Buffer): void {
    if (this.#state !== 'reading') {
      if (this.#state === 'paused') this.#parked = this.#parked === null ? chunk : Buffer.concat([this.#parked, chunk]);
      return;
    }
    this.#end = chunk.length;
    let at = this.#held === 0 ? 0 : this.#complete(chunk);
    while (at + FRAME_HEADER <= this.#end) {
      if (this.#left <= 0 && this.#pause(chunk, at)) return;
      const start = at + FRAME_HEADER;
      const end = start + this.#payloadLength(chunk, at);
      if (end > chunk.length) {
        if (!isDivisible(chunk, at, chunk.length - start)) break;
        this.#passPart(chunk, at, chunk, start);
        return;
      }
      this.#pass(chunk, at, chunk, start, end);
      at = end;
    }
    if (at < this.#end) this.#hold(chunk, at, this.#end);
  }

  /** What was passed so far was in an earlier turn. */
  beginTurn(): void {
    this.#left = TURN;
  }

  /** Another turn: passes what came while it was paused, or the first part of it. @throws as `push` does */
  goOn(): void {
    this.beginTurn();
    if (this.#state !== 'paused') return;
    this.#state = 'reading';
    const parked = this.#parked;
    this.#parked = null;
    if (parked !== null) this.push(parked);
  }

  /** Keeps chunk[at..) for the next turn. @returns false when there are no turns */
  #pause(chunk: Buffer, at: number): boolean {
    this.beginTurn();
    if (this.#onPause === null) return false;
    this.#state = 'paused';
    this.#parked = chunk.subarray(at);
    this.#onPause();
    return true;
  }

  /** Takes what the split frame lacks, and passes it on when it is whole. Returns the position after that. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#held < FRAME_HEADER) {
      at = Math.min(FRAME_HEADER - this.#held, chunk.length);
      this.#hold(chunk, 0, at);
    }
    const part = this.#part;
    if (part === null || this.#held < FRAME_HEADER) return at;
    const size = FRAME_HEADER + this.#payloadLength(part, 0);
    const end = at + size - this.#held;
    const holdsPayload = this.#held > FRAME_HEADER;
    if (end > chunk.length) {
      if (!holdsPayload && isDivisible(part, 0, chunk.length - at)) this.#passPart(part, 0, chunk, at);
      else this.#hold(chunk, at, chunk.length);
      return chunk.length;
    }
    if (!holdsPayload) {
      this.#part = null;
      this.#held = 0;
      this.#pass(part, 0, chunk, at, end);
      return end;
    }
    const frame = this.#withRoom(size, size);
    chunk.copy(frame, this.#held, at, end);
    this.#part = null;
    this.#held = 0;
    this.#pass(frame, 0, frame, FRAME_HEADER, size);
    return end;
  }

  /** A frame whose header is header[at..). */
  #pass(header: Buffer, at: number, buffer: Buffer, start: number, end: number): void {
    const type = byteAt(header, at + 3);
    this.#left -= type === FRAME.HEADERS ? CALL : 1;
    this.#onFrame(type, byteAt(header, at + 4), uint31At(header, at + 5), buffer, start, end);
  }

  /** DATA whose header is header[at..), as far as it has come: chunk[start..). */
  #passPart(header: Buffer, at: number, chunk: Buffer, start: number): void {
    const rest = Buffer.allocUnsafe(FRAME_HEADER);
    header.copy(rest, 0, at, at + FRAME_HEADER);
    putUint24(rest, 0, uint24At(header, at) - (chunk.length - start));
    this.#part = rest;
    this.#held = FRAME_HEADER;
    this.#left -= 1;
    this.#onFrame(FRAME.DATA, byteAt(header, at + 4) & ~FLAG.END_STREAM, uint31At(header, at + 5), chunk, start, chunk.length);
  }

  /** Keeps chunk[start..end) behind what is held. */
  #hold(chunk: Buffer, start: number, end: number): void {
    const held = this.#held + end - start;
    const whole = this.#held === 0 && held >= FRAME_HEADER ? FRAME_HEADER + uint24At(chunk, start) : this.#size();
    chunk.copy(this.#withRoom(held, whole), this.#held, start, end);
    this.#held = held;
  }

  /** Of the split frame, or of its header while that is not whole. */
  #size(): number {
    return this.#part === null || this.#held < FRAME_HEADER ? FRAME_HEADER : FRAME_HEADER + uint24At(this.#part, 0);
  }

  /** What is held, in a buffer with room for `needed` bytes, which is never larger than the frame. */
  #withRoom(needed: number, whole: number): Buffer {
    const part = this.#part;
    if (part !== null && part.length >= needed) return part;
    const larger = Buffer.allocUnsafe(Math.min(whole, Math.max(LEAST_ROOM, needed * GROWTH)));
    part?.copy(larger, 0, 0, this.#held);
    this.#part = larger;
    return larger;
  }

  #payloadLength(buffer: Buffer, at: number): number {
    const length = uint24At(buffer, at);
    if (length <= this.#maxFrameSize) return length;
    throw new ConnectionError(
      ERROR_CODE.FRAME_SIZE_ERROR,
      `a frame has ${length} bytes of payload, and the limit is ${this.#maxFrameSize}`,
    );
  }
}

/** Whether the frame whose header is header[at..), of which so many bytes have come, may be passed in parts. */
function isDivisible(header: Buffer, at: number, bytes: number): boolean {
  return bytes >= LEAST_PART && byteAt(header, at + 3) === FRAME.DATA && (byteAt(header, at + 4) & FLAG.PADDED) === 0;
}
