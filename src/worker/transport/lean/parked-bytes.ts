/** Runs in a worker. DATA of a client that waits until its handler reads on. */
import { pieceOf } from '../../../http2/piece.js';

/** Pieces below this, in bytes, are gathered: a buffer object for each would weigh many times what it holds. */
const SMALL = 1024;
const LARGEST_GATHERING = 16 * 1024;

export class ParkedBytes {
  size = 0;
  readonly #pieces: Buffer[] = [];
  /** Pieces before this one have been taken. */
  #first = 0;
  /** The last piece, when there is room behind its bytes. */
  #gathering: Buffer | null = null;
  #gathered = 0;

  push(buffer: Buffer, start: number, end: number): void {
    const size = end - start;
    this.size += size;
    if (size >= SMALL) {
      this.#seal();
      this.#pieces.push(pieceOf(buffer, start, end));
      return;
    }
    let gathering = this.#gathering;
    if (gathering === null || gathering.length - this.#gathered < size) {
      // Most streams park one small message; those that park more get room for as much again.
      const room = Math.min(LARGEST_GATHERING, gathering === null ? size : gathering.length * 2);
      this.#seal();
      gathering = Buffer.allocUnsafeSlow(Math.max(room, size));
      this.#gathering = gathering;
    }
    buffer.copy(gathering, this.#gathered, start, end);
    this.#gathered += size;
  }

  /** The oldest bytes, which are parked no more; undefined when there are none. */
  shift(): Buffer | undefined {
    if (this.#first === this.#pieces.length) this.#seal();
    const piece = this.#pieces[this.#first];
    if (piece === undefined) return undefined;
    this.#first += 1;
    if (this.#first === this.#pieces.length) {
      this.#pieces.length = 0;
      this.#first = 0;
    }
    this.size -= piece.length;
    return piece;
  }

  #seal(): void {
    if (this.#gathering !== null) this.#pieces.push(this.#gathering.subarray(0, this.#gathered));
    this.#gathering = null;
    this.#gathered = 0;
  }
}
