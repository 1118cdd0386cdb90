/** Runs in routers and workers. Collects the pieces of a header block: HEADERS and its CONTINUATIONs (RFC 9113 section 4.3). */
import { LimitFault } from './limit-fault.js';

/** CONTINUATION frames of one block: with frames of 16 KiB far more than any block needs. */
const MOST_PIECES = 32;

export class HeaderBlock {
  /** Stream of the block that is not complete yet; 0 without one. */
  id = 0;
  endStream = false;
  readonly #maxSize: number;
  readonly #mostPieces: number;
  #pieces: Buffer[] = [];
  #size = 0;

  /**
   * @param maxSize bytes of a block as it is sent
   * @param mostPieces frames of a block
   */
  constructor(maxSize: number, mostPieces = MOST_PIECES) {
    this.#maxSize = maxSize;
    this.#mostPieces = mostPieces;
  }

  begin(id: number, endStream: boolean, piece: Buffer): void {
    this.id = id;
    this.endStream = endStream;
    this.#add(piece);
  }

  /** @returns the whole block when `isLast` */
  continue(piece: Buffer, isLast: boolean): Buffer | null {
    this.#add(piece);
    if (!isLast) return null;
    const block = Buffer.concat(this.#pieces, this.#size);
    this.id = 0;
    this.#pieces = [];
    this.#size = 0;
    return block;
  }

  #add(piece: Buffer): void {
    this.#size += piece.length;
    if (this.#size > this.#maxSize || this.#pieces.length >= this.#mostPieces) {
      throw new LimitFault('header-block', 'a header block that is too large');
    }
    this.#pieces.push(Buffer.from(piece));
  }
}
