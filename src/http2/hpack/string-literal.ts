import { byteAt } from '../bytes.js';
import { decodeHuffman } from './huffman.js';
import { compressionError, readInteger, type Cursor } from './integer.js';

/** In front of the length of a string that is Huffman coded (RFC 7541 section 5.2). */
export const HUFFMAN_FLAG = 0x80;
/** The bits of the first octet that belong to the length. */
export const LENGTH_MASK = 0x7f;

/** @returns latin1: one character for each octet */
export function readString(cursor: Cursor): string {
  // At the end of the block this reads what is behind it, and readInteger then throws.
  const flag = cursor.at < cursor.end ? byteAt(cursor.buffer, cursor.at) & HUFFMAN_FLAG : 0;
  const start = skipLength(cursor);
  return flag === 0 ? cursor.buffer.toString('latin1', start, cursor.at) : decodeHuffman(cursor.buffer, start, cursor.at);
}

/** Moves on behind a string without looking at it. */
export function skipString(cursor: Cursor): void {
  skipLength(cursor);
}

/** Moves on behind the string, and returns the position where its octets start. */
function skipLength(cursor: Cursor): number {
  const length = readInteger(cursor, LENGTH_MASK);
  const start = cursor.at;
  if (length > cursor.end - start) throw compressionError('a header block ends in the middle of a string');
  cursor.at = start + length;
  return start;
}
