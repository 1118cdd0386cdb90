import { byteAt } from '../bytes.js';
import { ConnectionError } from '../connection-error.js';
import { ERROR_CODE } from '../constants.js';

/** Octets behind the prefix; five hold all that we take. */
const MOST_OCTETS = 5;
const LARGEST = 2 ** 32 - 1;

/** A place in a header block, which moves on over what is read. */
export class Cursor {
  readonly buffer: Buffer;
  at: number;
  readonly end: number;

  constructor(buffer: Buffer, start: number, end: number) {
    this.buffer = buffer;
    this.at = start;
    this.end = end;
  }
}

export function compressionError(message: string): ConnectionError {
  return new ConnectionError(ERROR_CODE.COMPRESSION_ERROR, message);
}

/**
 * Reads an integer (RFC 7541 section 5.1).
 * @param mask the bits of the first octet that belong to it
 * @throws ConnectionError COMPRESSION_ERROR when the block ends before it does, or it is above 2^32-1
 */
export function readInteger(cursor: Cursor, mask: number): number {
  if (cursor.at >= cursor.end) throw compressionError('a header block ends in the middle of a field');
  const value = byteAt(cursor.buffer, cursor.at) & mask;
  cursor.at += 1;
  return value < mask ? value : readRest(cursor, value);
}

function readRest(cursor: Cursor, prefix: number): number {
  const { buffer, end } = cursor;
  let value = prefix;
  let weight = 1;
  for (let octets = 0; octets < MOST_OCTETS; octets += 1) {
    if (cursor.at >= end) throw compressionError('a header block ends in the middle of an integer');
    const octet = byteAt(buffer, cursor.at);
    cursor.at += 1;
    // No shift: the sum may have more than 31 bits.
    value += (octet & 0x7f) * weight;
    weight *= 128;
    if (octet < 0x80) {
      if (value > LARGEST) break;
      return value;
    }
  }
  throw compressionError('a header block holds an integer above 2^32-1');
}

/** Octets that an integer up to 2^32-1 takes at most. */
export const INTEGER_ROOM = 1 + MOST_OCTETS;

/**
 * Writes an integer behind `flags`, the bits of the first octet that do not belong to it.
 * @returns the position after it
 */
export function writeInteger(target: Uint8Array, at: number, flags: number, mask: number, value: number): number {
  if (value < mask) {
    target[at] = flags | value;
    return at + 1;
  }
  target[at] = flags | mask;
  let to = at + 1;
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) {
    target[to] = (rest % 128) | 0x80;
    to += 1;
  }
  target[to] = rest;
  return to + 1;
}
