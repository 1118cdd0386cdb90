/** Runs in a router. A call that no worker has yet, with all that its client has sent of it. */
import type { Link, SwitchOwner } from '../front/link.js';
import { MAX_WINDOW } from '../http2/constants.js';
import { pieceOf } from '../http2/piece.js';
import type { UnitSeeker } from './call-units.js';
import type { RefusedCalls } from './refused-calls.js';
import type { WaitingCalls } from './waiting-calls.js';

/** What a call needs of the switch that made it. */
export interface CallHome {
  readonly owner: SwitchOwner;
  readonly refused: RefusedCalls;
  /** The call is here now, with all its client sent at once. It has what its `unit` says, and no worker. */
  begin(call: WaitingCall): void;
  /** The call waits no more, and has gone nowhere. */
  ended(call: WaitingCall): void;
}

export class WaitingCall implements Link, UnitSeeker {
  readonly id: number;
  /** Of the cap on calls. */
  unit: 'none' | 'held' | 'exempt';
  /** Ends what it waits for. */
  leave: () => void = () => undefined;
  readonly #home: CallHome;
  readonly #room: WaitingCalls;
  /** `new` until its headers have come; one that is made of a lost link's begins otherwise. */
  #state: 'new' | 'waiting' | 'over';
  #block: Buffer | null = null;
  #trailers: Buffer | null = null;
  #pieces: Buffer[] = [];
  #size = 0;
  #window = 0;
  #isEnded = false;

  constructor(id: number, unit: WaitingCall['unit'], state: 'new' | 'waiting', home: CallHome, room: WaitingCalls) {
    this.#state = state;
    this.id = id;
    this.unit = unit;
    this.#home = home;
    this.#room = room;
  }

  /** Bytes that it holds. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of DATA, which its client has no credit for while they are here. */
  get dataSize(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  // From the client, or again from a link that died.

  headers(_id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const block = Buffer.from(buffer.subarray(start, end));
    const isFirst = this.#block === null;
    if (isFirst) this.#block = block;
    else this.#trailers = block;
    this.#isEnded = endStream;
    this.#grow(block.length);
    if (isFirst && this.#state === 'new') {
      this.#state = 'waiting';
      this.#home.begin(this);
    }
  }

  data(_id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (end > start) this.#pieces.push(pieceOf(buffer, start, end));
    this.#isEnded = endStream;
    this.#grow(end - start);
  }

  reset(): void {
    const bytes = this.dataSize;
    this.drop();
    if (bytes > 0) this.#home.owner.took(bytes);
  }

  windowUpdate(_id: number, increment: number): void {
    this.#window = Math.min(this.#window + increment, 2 * MAX_WINDOW);
  }

  credit(): void {
    // Nothing came through here.
  }

  // From whoever it waits for.

  unitFound(): void {
    this.unit = 'held';
    this.#home.begin(this);
  }

  unitRefused(): void {
    this.refuse(this.#home.refused.overLimit());
  }

  /** Answers the call. @param block a whole answer */
  refuse(block: Buffer): void {
    if (this.#state === 'over') return;
    const { owner } = this.#home;
    const bytes = this.dataSize;
    this.drop();
    owner.headers(this.id, block, 0, block.length, true);
    if (bytes > 0) owner.took(bytes);
  }

  /** The call is over. */
  drop(): void {
    if (this.#state === 'over') return;
    this.#finish();
    this.#home.ended(this);
  }

  /** The call goes on there. */
  moveTo(link: Link): void {
    const { id } = this;
    const block = this.#block;
    const pieces = this.#pieces;
    this.#finish();
    this.#home.owner.move(id, link);
    if (block === null) return;
    const isOver = this.#isEnded && this.#trailers === null;
    link.headers(id, block, 0, block.length, isOver && pieces.length === 0);
    pieces.forEach((piece, index) => link.data(id, piece, 0, piece.length, isOver && index === pieces.length - 1));
    if (this.#trailers !== null) link.headers(id, this.#trailers, 0, this.#trailers.length, true);
    // In two when it is too much, for one says no more than 2^31-1: the worker is to see that it is.
    if (this.#window > 0) link.windowUpdate(id, Math.min(this.#window, MAX_WINDOW));
    if (this.#window > MAX_WINDOW) link.windowUpdate(id, this.#window - MAX_WINDOW);
  }

  #grow(bytes: number): void {
    this.#size += bytes;
    this.#room.grow(this, bytes);
  }

  #finish(): void {
    this.#state = 'over';
    this.leave();
    this.#room.remove(this);
    this.#pieces = [];
  }
}
