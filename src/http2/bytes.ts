/**
 * Numbers in network byte order, and short copies. Positions are the caller's to check: these run for each byte of
 * each frame. (Buffer's own methods check again, and cost more than the reading.)
 */

/** Up to here a loop is faster than the call into the engine that a native copy takes. */
const SHORT = 48;

export function byteAt(buffer: Uint8Array, at: number): number {
  // Inside the buffer by contract: the engine drops the test for undefined, which it never sees.
  return buffer[at] ?? 0;
}

export function uint16At(buffer: Uint8Array, at: number): number {
  return (byteAt(buffer, at) << 8) | byteAt(buffer, at + 1);
}

export function uint24At(buffer: Uint8Array, at: number): number {
  return (byteAt(buffer, at) << 16) | (byteAt(buffer, at + 1) << 8) | byteAt(buffer, at + 2);
}

export function uint32At(buffer: Uint8Array, at: number): number {
  return uint31At(buffer, at) + (byteAt(buffer, at) >= 0x80 ? 0x8000_0000 : 0);
}

/** Without the highest bit, which RFC 9113 reserves in stream ids and increments. */
export function uint31At(buffer: Uint8Array, at: number): number {
  return ((byteAt(buffer, at) & 0x7f) << 24) | uint24At(buffer, at + 1);
}

export function putUint16(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
}

export function putUint24(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 16;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value;
}

export function putUint32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}

/** Copies source[start..end) to target[at..). */
export function copyBytes(source: Buffer, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > SHORT) {
    source.copy(target, at, start, end);
    return;
  }
  for (let from = start, to = at; from < end; from += 1, to += 1) target[to] = byteAt(source, from);
}
