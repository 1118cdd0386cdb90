import { byteAt, copyBytes, putUint16, putUint24, putUint32, uint24At, uint32At } from './bytes.js';
import { FLAG, FRAME, FRAME_HEADER, MAX_FRAME, PREFACE } from './constants.js';

/** A payload of that many bytes is passed on where it lies: copying it would cost more than one more buffer to write. */
const BY_REFERENCE = 2048;
/** Bounds of a slab. The least comes from Buffer's pool, because memory of its own takes two microseconds to get. */
const LEAST_SLAB = 1024;
const LARGEST_SLAB = 64 * 1024;
/** A slab is for that many turns of the event loop like the busiest of late... */
const TURNS = 8;
/** ...and one that is above the least is dropped after a turn that used less than that part of it. */
const IDLE_PART = 64;

const NO_BYTES = Buffer.alloc(0);

/**
 * Collects the frames of one turn of the event loop, so that they leave in one write. Small ones lie behind each other
 * in a slab; what was taken is never written again, the next turn goes on behind it. A quiet connection holds at most
 * the rest of a slab of 1 KiB, one that went quiet at once after a busy turn what that turn needed, TURNS times.
 */
export class FrameBuffer {
  #slab = NO_BYTES;
  /** What waits in the slab: #slab[#from..#at). */
  #from = 0;
  #at = 0;
  /** Frames that came behind each other in one chunk and go on as they are: #run[#runFrom..#runTo). Then none wait in the slab. */
  #run: Buffer = NO_BYTES;
  #runFrom = 0;
  #runTo = 0;
  /** What waits in front of these. */
  #parts: Buffer[] = [];
  #partsLength = 0;
  /** Bytes written into slabs in this turn, and in a busy one of late. */
  #turn = 0;
  #need = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#partsLength + this.#at - this.#from + this.#runTo - this.#runFrom;
  }

  /** What is to be written, in order. The bytes must not be changed. */
  take(): Buffer[] {
    const parts = this.#takeParts();
    this.#need = Math.max(this.#turn, this.#need >>> 1);
    if (this.#slab.length > LEAST_SLAB && this.#turn < this.#slab.length / IDLE_PART) {
      this.#slab = NO_BYTES;
      this.#from = this.#at = 0;
    }
    this.#turn = 0;
    return parts;
  }

  /** A whole block, of any length, as HEADERS and as many CONTINUATIONs as it takes (RFC 9113 section 6.10). */
  headers(id: number, block: Buffer, start: number, end: number, endStream: boolean): void {
    const flags = endStream ? FLAG.END_STREAM : 0;
    if (end - start <= MAX_FRAME) {
      this.#frame(FRAME.HEADERS, flags | FLAG.END_HEADERS, id, block, start, end);
      return;
    }
    this.#frame(FRAME.HEADERS, flags, id, block, start, start + MAX_FRAME);
    for (let at = start + MAX_FRAME; at < end; at += MAX_FRAME) {
      const isLast = at + MAX_FRAME >= end;
      this.#frame(FRAME.CONTINUATION, isLast ? FLAG.END_HEADERS : 0, id, block, at, isLast ? end : at + MAX_FRAME);
    }
  }

  /** At most 16384 bytes, which must not change until they are written. */
  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#frame(FRAME.DATA, endStream ? FLAG.END_STREAM : 0, id, buffer, start, end);
  }

  rstStream(id: number, code: number): void {
    this.#number(FRAME.RST_STREAM, id, code);
  }

  /** @param id 0 for the connection */
  windowUpdate(id: number, increment: number): void {
    this.#number(FRAME.WINDOW_UPDATE, id, increment);
  }

  /** @param pairs of SETTING and value */
  settings(pairs: readonly (readonly [number, number])[]): void {
    let at = this.#header(FRAME.SETTINGS, 0, 0, pairs.length * 6);
    for (const [id, value] of pairs) {
      putUint16(this.#slab, at, id);
      putUint32(this.#slab, at + 2, value);
      at += 6;
    }
    this.#at = at;
  }

  settingsAck(): void {
    this.#at = this.#header(FRAME.SETTINGS, FLAG.ACK, 0, 0);
  }

  /** @param payload 8 bytes */
  ping(payload: Buffer, ack: boolean): void {
    this.#frame(FRAME.PING, ack ? FLAG.ACK : 0, 0, payload, 0, 8);
  }

  /** @param debug for people; cut to what one frame takes */
  goaway(lastId: number, code: number, debug: string): void {
    const text = Buffer.from(debug).subarray(0, MAX_FRAME - 8);
    const at = this.#header(FRAME.GOAWAY, 0, 0, 8 + text.length);
    putUint32(this.#slab, at, lastId);
    putUint32(this.#slab, at + 4, code);
    text.copy(this.#slab, at + 8);
    this.#at = at + 8 + text.length;
  }

  /** What a client sends first. */
  preface(): void {
    const at = this.#room(PREFACE.length);
    PREFACE.copy(this.#slab, at);
    this.#at = at + PREFACE.length;
  }

  #frame(type: number, flags: number, id: number, payload: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length < BY_REFERENCE) {
      const at = this.#header(type, flags, id, length);
      copyBytes(payload, start, end, this.#slab, at);
      this.#at = at + length;
      return;
    }
    const isAsItCame = isHeader(payload, start - FRAME_HEADER, type, flags, id, length);
    if (isAsItCame && payload === this.#run && start - FRAME_HEADER === this.#runTo) {
      this.#runTo = end;
      return;
    }
    if (!isAsItCame) this.#at = this.#header(type, flags, id, length, 0);
    this.#seal();
    this.#run = payload;
    this.#runFrom = isAsItCame ? start - FRAME_HEADER : start;
    this.#runTo = end;
  }

  #number(type: number, id: number, value: number): void {
    const at = this.#header(type, 0, id, 4);
    putUint32(this.#slab, at, value);
    this.#at = at + 4;
  }

  /** Writes the header of a frame (RFC 9113 section 4.1) and returns the position of its payload. */
  #header(type: number, flags: number, id: number, length: number, room = length): number {
    const at = this.#room(FRAME_HEADER + room);
    const slab = this.#slab;
    putUint24(slab, at, length);
    slab[at + 3] = type;
    slab[at + 4] = flags;
    putUint32(slab, at + 5, id);
    return at + FRAME_HEADER;
  }

  /** The position of that many bytes that may be written. */
  #room(bytes: number): number {
    if (this.#runTo > 0) this.#endRun();
    this.#turn += bytes;
    if (this.#at + bytes > this.#slab.length) {
      this.#seal();
      const wanted = TURNS * Math.max(this.#need, this.#turn);
      let size = LEAST_SLAB;
      while (size < LARGEST_SLAB && size < wanted) size *= 2;
      this.#slab = Buffer.allocUnsafe(Math.max(size, bytes));
      this.#from = this.#at = 0;
    }
    return this.#at;
  }

  #takeParts(): Buffer[] {
    // Nearly always all of it is one piece; an array of one is cheaper made than pushed to.
    if (this.#partsLength === 0 && this.#runTo === 0 && this.#at > this.#from) {
      const run = this.#slab.subarray(this.#from, this.#at);
      this.#from = this.#at;
      return [run];
    }
    this.#seal();
    const parts = this.#parts;
    this.#parts = [];
    this.#partsLength = 0;
    return parts;
  }

  /** Moves the run to the parts. */
  #endRun(): void {
    const run = this.#run;
    const size = this.#runTo - this.#runFrom;
    this.#parts.push(size === run.length ? run : run.subarray(this.#runFrom, this.#runTo));
    this.#partsLength += size;
    this.#run = NO_BYTES;
    this.#runFrom = this.#runTo = 0;
  }

  /** Moves what waits behind the parts to them. */
  #seal(): void {
    if (this.#runTo > 0) this.#endRun();
    if (this.#at === this.#from) return;
    this.#parts.push(this.#slab.subarray(this.#from, this.#at));
    this.#partsLength += this.#at - this.#from;
    this.#from = this.#at;
  }
}

/** Whether buffer[at..) is that header of a frame already. */
function isHeader(buffer: Buffer, at: number, type: number, flags: number, id: number, length: number): boolean {
  return at >= 0 && uint24At(buffer, at) === length && byteAt(buffer, at + 3) === type && byteAt(buffer, at + 4) === flags && uint32At(buffer, at + 5) === id;
}
