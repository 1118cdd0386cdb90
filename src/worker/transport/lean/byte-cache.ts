/** Runs in a worker. */
import { byteAt } from '../../../http2/bytes.js';

interface Entry<T> {
  readonly hash: number;
  readonly bytes: Buffer;
  readonly value: T;
}

/**
 * What bytes mean, for those that come again and again. One place for each hash, so a newcomer takes the place of the
 * one before: that bounds it, and needs no list of what was used when. Bytes are let in when they come a second time,
 * so that those that never come again, such as a trace id, drive nothing out and cost nothing.
 */
export class ByteCache<T> {
  readonly #entries: (Entry<T> | undefined)[];
  /** Hashes that were seen once. */
  readonly #seen: Int32Array;
  readonly #mask: number;
  readonly #longest: number;
  /** Of the bytes that `get` was asked for last. */
  #hash = 0;

  /**
   * @param places a power of two
   * @param longest bytes of a key; longer ones are not kept
   */
  constructor(places: number, longest: number) {
    this.#entries = new Array<Entry<T> | undefined>(places).fill(undefined);
    this.#seen = new Int32Array(places);
    this.#mask = places - 1;
    this.#longest = longest;
  }

  get(buffer: Buffer, start: number, end: number): T | undefined {
    const hash = hashOf(buffer, start, end);
    this.#hash = hash;
    const entry = this.#entries[hash & this.#mask];
    if (entry?.hash !== hash || !isEqual(entry.bytes, buffer, start, end)) return undefined;
    return entry.value;
  }

  /**
   * For the bytes that `get` was asked for last, and did not find.
   * @returns whether the value is kept
   */
  offer(buffer: Buffer, start: number, end: number, value: T): boolean {
    if (end - start > this.#longest) return false;
    const hash = this.#hash;
    const place = hash & this.#mask;
    if (this.#seen[place] !== hash) {
      this.#seen[place] = hash;
      return false;
    }
    const bytes = Buffer.allocUnsafeSlow(end - start);
    buffer.copy(bytes, 0, start, end);
    this.#entries[place] = { hash, bytes, value };
    return true;
  }
}

/** Four bytes a step: a hash of each would take longer than the comparison that follows. */
function hashOf(buffer: Buffer, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 3 < end; at += 4) {
    const word = byteAt(buffer, at) | (byteAt(buffer, at + 1) << 8) | (byteAt(buffer, at + 2) << 16) | (byteAt(buffer, at + 3) << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at += 1) hash = Math.imul(hash ^ byteAt(buffer, at), 0x9e3779b1);
  return hash ^ (hash >>> 15);
}

function isEqual(bytes: Buffer, buffer: Buffer, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false;
  for (let index = 0; index < bytes.length; index += 1) {
    if (byteAt(bytes, index) !== byteAt(buffer, start + index)) return false;
  }
  return true;
}
