import { byteAt } from '../bytes.js';
import { DynamicTable, FIELD_OVERHEAD } from './dynamic-table.js';
import { compressionError, Cursor, readInteger } from './integer.js';
import { STATIC_LENGTH, STATIC_NAMES, STATIC_VALUES } from './static-table.js';
import { readString } from './string-literal.js';

/** @param neverIndexed must stay so wherever the field goes (RFC 7541 section 6.2.3) */
export type OnField = (name: string, value: string, neverIndexed: boolean) => void;

/** Decodes the header blocks of one direction of a connection (RFC 7541). All of them have to pass, in order. */
export class Decoder {
  readonly #table: DynamicTable;
  #maxTableSize: number;
  readonly #maxListSize: number;
  #listSize = 0;

  /**
   * @param maxTableSize what we announced as HEADER_TABLE_SIZE, in bytes
   * @param maxListSize of one block, in bytes as RFC 9113 section 6.5.2 counts them
   */
  constructor(maxTableSize: number, maxListSize = Infinity) {
    this.#table = new DynamicTable(maxTableSize);
    this.#maxTableSize = maxTableSize;
    this.#maxListSize = maxListSize;
  }

  /** Bytes of the fields of the last block, as RFC 9113 section 6.5.2 counts them. */
  get listSize(): number {
    return this.#listSize;
  }

  /** The last block was larger than `maxListSize`; the fields from there on were not passed. */
  get overflowed(): boolean {
    return this.#listSize > this.#maxListSize;
  }

  /** Bytes in the dynamic table. */
  get tableSize(): number {
    return this.#table.size;
  }

  /** Fields in the dynamic table. */
  get tableCount(): number {
    return this.#table.count;
  }

  /** Goes up with each change of the dynamic table; while it stays, equal blocks mean the same. */
  get tableChanges(): number {
    return this.#table.changes;
  }

  /** What the peer's last size update left the table at; `maxTableSize` before any. */
  get tableLimit(): number {
    return this.#table.limit;
  }

  /**
   * What the peer may set its table to from now on. The table stays as it is until the peer changes it: many clients
   * never do, although RFC 7541 section 4.2 demands it.
   */
  setMaxTableSize(bytes: number): void {
    this.#maxTableSize = bytes;
  }

  /**
   * @param onField gets name and value as latin1
   * @throws ConnectionError COMPRESSION_ERROR; the decoder is of no use afterwards
   */
  decode(buffer: Buffer, start: number, end: number, onField: OnField): void {
    const cursor = new Cursor(buffer, start, end);
    this.#listSize = 0;
    while (cursor.at < end && (byteAt(buffer, cursor.at) & 0xe0) === 0x20) this.#updateSize(cursor);
    while (cursor.at < end) this.#field(cursor, onField);
  }

  #updateSize(cursor: Cursor): void {
    const limit = readInteger(cursor, 0x1f);
    if (limit > this.#maxTableSize) {
      throw compressionError(`a table size of ${limit} is above the maximum of ${this.#maxTableSize}`);
    }
    this.#table.setLimit(limit);
  }

  #field(cursor: Cursor, onField: OnField): void {
    const first = byteAt(cursor.buffer, cursor.at);
    if (first >= 0x80) {
      const index = readInteger(cursor, 0x7f);
      this.#pass(this.#name(index), this.#value(index), false, onField);
      return;
    }
    if (first >= 0x40) {
      const index = readInteger(cursor, 0x3f);
      const name = index === 0 ? readString(cursor) : this.#name(index);
      const value = readString(cursor);
      this.#table.insert(name, value);
      this.#pass(name, value, false, onField);
      return;
    }
    if (first >= 0x20) throw compressionError('a table size update follows a field');
    const index = readInteger(cursor, 0x0f);
    const name = index === 0 ? readString(cursor) : this.#name(index);
    this.#pass(name, readString(cursor), first >= 0x10, onField);
  }

  #name(index: number): string {
    if (index <= STATIC_LENGTH && index > 0) return STATIC_NAMES[index] ?? '';
    return this.#table.name(this.#age(index));
  }

  #value(index: number): string {
    if (index <= STATIC_LENGTH && index > 0) return STATIC_VALUES[index] ?? '';
    return this.#table.value(this.#age(index));
  }

  #age(index: number): number {
    const age = index - STATIC_LENGTH - 1;
    if (age >= 0 && age < this.#table.count) return age;
    throw compressionError(`index ${index} is not in a table of ${STATIC_LENGTH + this.#table.count} fields`);
  }

  #pass(name: string, value: string, neverIndexed: boolean, onField: OnField): void {
    this.#listSize += name.length + value.length + FIELD_OVERHEAD;
    if (this.#listSize <= this.#maxListSize) onField(name, value, neverIndexed);
  }
}
