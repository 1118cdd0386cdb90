import { INTEGER_ROOM, writeInteger } from './integer.js';
import { STATIC_ENTRIES } from './static-table.js';
import { LENGTH_MASK } from './string-literal.js';

/** Up to here a loop is faster than the call into the engine that a native write takes. */
const SHORT = 20;
const LEAST_ROOM = 256;

/**
 * Writes header blocks that mean the same on every connection: fields of the static table and literals, nothing that
 * goes into a dynamic table. Strings are plain: Huffman coding saves a quarter of their octets, but writing them takes
 * several times as long, and reading them likewise.
 */
export class BlockWriter {
  #bytes = Buffer.allocUnsafe(LEAST_ROOM);
  #at = 0;

  /**
   * @param name and value: latin1, one octet for each character; they are not validated
   * @param neverIndexed a field that came so, or one whose value nobody may guess by its length (RFC 7541 section 7.1.3)
   */
  add(name: string, value: string, neverIndexed = false): void {
    const entry = STATIC_ENTRIES.get(name);
    const whole = neverIndexed ? undefined : entry?.values.get(value);
    this.#reserve(name.length + value.length + 3 * INTEGER_ROOM);
    if (whole !== undefined) {
      this.#at = writeInteger(this.#bytes, this.#at, 0x80, 0x7f, whole);
      return;
    }
    this.#at = writeInteger(this.#bytes, this.#at, neverIndexed ? 0x10 : 0, 0x0f, entry?.index ?? 0);
    if (entry === undefined) this.#string(name);
    this.#string(value);
  }

  /** The block, and starts a new one. */
  take(): Buffer {
    const block = Buffer.allocUnsafe(this.#at);
    this.#bytes.copy(block, 0, 0, this.#at);
    this.#at = 0;
    return block;
  }

  #string(text: string): void {
    const bytes = this.#bytes;
    const at = writeInteger(bytes, this.#at, 0, LENGTH_MASK, text.length);
    if (text.length > SHORT) bytes.write(text, at, 'latin1');
    else for (let index = 0; index < text.length; index += 1) bytes[at + index] = text.charCodeAt(index);
    this.#at = at + text.length;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#at + bytes, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

const writer = new BlockWriter();

/** One field, to be put into blocks as it is. */
export function encodeField(name: string, value: string, neverIndexed: boolean): Buffer {
  writer.add(name, value, neverIndexed);
  return writer.take();
}
