/** Over header blocks that mean the same on every connection: no dynamic table, so nothing has to be decoded. */
import { byteAt } from '../bytes.js';
import { compressionError, Cursor, readInteger } from './integer.js';
import { STATIC_LENGTH, STATIC_NAMES, STATIC_VALUES } from './static-table.js';
import { readString, skipString } from './string-literal.js';

/**
 * Finds the fields of a block.
 * @param visit gets where each field starts and ends; false stops
 * @throws ConnectionError COMPRESSION_ERROR for an index of the dynamic table, a size update, and a broken encoding
 */
export function walkFields(buffer: Buffer, start: number, end: number, visit: (start: number, end: number) => unknown): void {
  const cursor = new Cursor(buffer, start, end);
  while (cursor.at < end) {
    const from = cursor.at;
    const first = byteAt(buffer, from);
    if (first >= 0x80) {
      if (readIndex(cursor, 0x7f) === 0) throw compressionError('a field has index 0');
    } else {
      if (readNameIndex(cursor, first) === 0) skipString(cursor);
      skipString(cursor);
    }
    if (visit(from, cursor.at) === false) return;
  }
}

/**
 * The position behind the size updates that a block begins with when all of them are to 0, else `start`.
 * @throws ConnectionError COMPRESSION_ERROR for a broken encoding
 */
export function skipZeroSizeUpdate(buffer: Buffer, start: number, end: number): number {
  if (start >= end || (byteAt(buffer, start) & 0xe0) !== 0x20) return start;
  const cursor = new Cursor(buffer, start, end);
  while (cursor.at < end && (byteAt(buffer, cursor.at) & 0xe0) === 0x20) if (readInteger(cursor, 0x1f) > 0) return start;
  return cursor.at;
}

/**
 * Decodes a field that walkFields has found, an index of the static table included.
 * @throws ConnectionError COMPRESSION_ERROR for a broken Huffman string
 */
export function decodeLiteralField(buffer: Buffer, start: number, end: number): { name: string; value: string; neverIndexed: boolean } {
  const cursor = new Cursor(buffer, start, end);
  const first = byteAt(buffer, start);
  if (first >= 0x80) {
    const index = readIndex(cursor, 0x7f);
    return { name: staticName(index), value: STATIC_VALUES[index] ?? '', neverIndexed: false };
  }
  const index = readNameIndex(cursor, first);
  const name = index === 0 ? readString(cursor) : staticName(index);
  return { name, value: readString(cursor), neverIndexed: (first & 0xf0) === 0x10 };
}

/** Of a literal, 0 when its name is a string. */
function readNameIndex(cursor: Cursor, first: number): number {
  if (first >= 0x40) return readIndex(cursor, 0x3f);
  if (first >= 0x20) throw compressionError('a table size update where none may be');
  return readIndex(cursor, 0x0f);
}

function readIndex(cursor: Cursor, mask: number): number {
  const index = readInteger(cursor, mask);
  if (index > STATIC_LENGTH) throw compressionError(`index ${index} is not in the static table, and there is no other`);
  return index;
}

function staticName(index: number): string {
  return STATIC_NAMES[index] ?? '';
}
