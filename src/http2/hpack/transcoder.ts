import { byteAt } from '../bytes.js';
import type { Decoder, OnField } from './decoder.js';
import { BlockWriter } from './encoder.js';

/** Blocks that are remembered, and how long they may be: the shortest are made of indexes, and mean the most. */
const BLOCKS = 4;
const LONGEST = 64;

/**
 * Writes the blocks of a client anew so that they mean the same on every connection. Clients send the same few blocks
 * again and again, so the last ones are remembered until the client's table changes.
 */
export class Transcoder {
  readonly #decoder: Decoder;
  /** Of the table as it was after so many changes. */
  #known: { readonly block: Buffer; readonly result: Buffer }[] = [];
  #changes = -1;
  #next = 0;
  #overflowed = false;

  /** @param decoder which gets all blocks of the client through here */
  constructor(decoder: Decoder) {
    this.#decoder = decoder;
  }

  /** The last block was larger than the decoder's `maxListSize`. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /**
   * @returns the new block, which must not be changed; only its beginning when it `overflowed`
   * @throws ConnectionError COMPRESSION_ERROR
   */
  transcode(buffer: Buffer, start: number, end: number): Buffer {
    const decoder = this.#decoder;
    if (this.#changes === decoder.tableChanges) {
      for (const { block, result } of this.#known) {
        if (!isSame(block, buffer, start, end)) continue;
        this.#overflowed = false;
        return result;
      }
    }
    const before = decoder.tableChanges;
    let result: Buffer;
    try {
      decoder.decode(buffer, start, end, addToBlock);
    } finally {
      // Also of a block that is broken: nothing of it may get into the next one, which may be somebody else's.
      result = writer.take();
    }
    this.#overflowed = decoder.overflowed;
    if (before === decoder.tableChanges && end - start <= LONGEST && !this.#overflowed) {
      this.#remember(Buffer.from(buffer.subarray(start, end)), result);
    }
    return result;
  }

  #remember(block: Buffer, result: Buffer): void {
    if (this.#changes !== this.#decoder.tableChanges) {
      this.#changes = this.#decoder.tableChanges;
      this.#known = [];
      this.#next = 0;
    }
    this.#known[this.#next] = { block, result };
    this.#next = (this.#next + 1) % BLOCKS;
  }
}

/** One for all: nothing else happens while a block is written. */
const writer = new BlockWriter();
const addToBlock: OnField = (name, value, neverIndexed) => writer.add(name, value, neverIndexed);

function isSame(block: Buffer, buffer: Buffer, start: number, end: number): boolean {
  if (block.length !== end - start) return false;
  // Indexes of a table come last, where blocks differ.
  for (let at = block.length - 1; at >= 0; at -= 1) if (byteAt(block, at) !== byteAt(buffer, start + at)) return false;
  return true;
}
