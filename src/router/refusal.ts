/** Runs in a router. Takes the place of a link for a call that is answered as soon as its headers are there. */
import type { Link, SwitchOwner } from '../front/link.js';

export class Refusal implements Link {
  readonly #owner: SwitchOwner;
  readonly #block: Buffer;

  /** @param block a whole answer */
  constructor(owner: SwitchOwner, block: Buffer) {
    this.#owner = owner;
    this.#block = block;
  }

  headers(id: number): void {
    this.#owner.headers(id, this.#block, 0, this.#block.length, true);
  }

  data(_id: number, _buffer: Buffer, start: number, end: number): void {
    this.#owner.took(end - start);
  }

  reset(): void {
    // Answered already.
  }

  windowUpdate(): void {
    // As above.
  }

  credit(): void {
    // No DATA came from here.
  }
}
