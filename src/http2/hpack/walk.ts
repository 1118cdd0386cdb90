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
 * Whether a block means the same on every connection as it is: it neither refers to a dynamic table nor changes one. One
 * that begins with a size update, and one with a field that no table has, do not count; Huffman strings are not looked at.
 * @throws ConnectionError COMPRESSION_ERROR when the block ends in the middle of a field
 */
export function isContextFree(buffer: Buffer, start: number, end: number): boolean {
  const cursor = new Cursor(buffer, start, end);
  while (cursor.at < end) {
    const first = byteAt(buffer, cursor.at);
    if (first >= 0x80) {
      const index = readInteger(cursor, 0x7f);
      if (index === 0 || index > STATIC_LENGTH) return false;
      continue;
    }
    // Size updates, and literals that go into the table.
    if (first >= 0x20) return false;
    const index = readInteger(cursor, 0x0f);
    if (index > STATIC_LENGTH) return false;
    if (index === 0) skipString(cursor);
    skipString(cursor);
  }
  return true;
}

/**
 * The position behind the size updates that a block begins with when they leave the table at 0, else `start`.
 * @throws ConnectionError COMPRESSION_ERROR for a broken encoding
 */
export function skipZeroSizeUpdate(buffer: Buffer, start: number, end: number): number {
  if (start >= end || (byteAt(buffer, start) & 0xe0) !== 0x20) return start;
  const cursor = new Cursor(buffer, start, end);
  let size = 0;
  while (cursor.at < end && (byteAt(buffer, cursor.at) & 0xe0) === 0x20) size = readInteger(cursor, 0x1f);
  return size === 0 ? cursor.at : start;
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

/**
 * Where the value of a literal begins, in a field that walkFields has found; `start` for an index, which has none of its
 * own. What lies before it means the same name wherever it comes.
 */
export function findValue(buffer: Buffer, start: number, end: number): number {
  const first = byteAt(buffer, start);
  if (first >= 0x80) return start;
  const cursor = new Cursor(buffer, start, end);
  if (readNameIndex(cursor, first) === 0) skipString(cursor);
  return cursor.at;
}

/**
 * The value that findValue has found.
 * @throws ConnectionError COMPRESSION_ERROR for a broken Huffman string
 */
export function decodeValue(buffer: Buffer, start: number, end: number): string {
  return readString(new Cursor(buffer, start, end));
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
