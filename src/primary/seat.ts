/**
 * Runs in the primary. What one worker holds of the connections: those that it was given and has not acknowledged
 * (src/front/intake.ts), of which we keep our copy open, and how many it has.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../shared/clock.js';

/** A worker that has not acknowledged a socket after this many milliseconds gets no further ones until it does. */
export const STALL_AFTER = 200;

/** A worker as the dispatcher needs it. */
export interface Recipient {
  readonly slot: number;
  /** Sends the order to take socket `id`; calls `onFailure` if it cannot be sent. */
  give(id: number, socket: Socket, onFailure: () => void): void;
  /** Asks whether that order was received; `lost` when it was not. */
  confirm(id: number): void;
}

/** A connection that no worker has acknowledged, and since when it waits for that. */
export interface Pending {
  readonly socket: Socket;
  /** The client's, for the limit of connections from one (client-address.ts); null when it has none. */
  readonly address: string | null;
  readonly since: number;
}

export class Seat {
  readonly #recipient: Recipient;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  /** Connections that it has acknowledged and not reported closed, with the addresses of their clients. */
  readonly #open = new Map<number, string | null>();
  /** The newest of the orders that it was asked about. */
  #confirmed = 0;
  #cancelConfirm: (() => void) | null = null;
  /** Whether it is in the choice. */
  admitted = true;

  constructor(recipient: Recipient, clock: Clock) {
    this.#recipient = recipient;
    this.#clock = clock;
  }

  get slot(): number {
    return this.#recipient.slot;
  }

  get connections(): number {
    return this.#open.size + this.#pending.size;
  }

  /** What it has not acknowledged. */
  get pending(): Pending[] {
    return [...this.#pending.values()];
  }

  /** How many those are. */
  get held(): number {
    return this.#pending.size;
  }

  get isStalled(): boolean {
    const [oldest] = this.#pending.values();
    return oldest !== undefined && this.#clock.monotonic() - oldest.since > STALL_AFTER;
  }

  /** Hands a connection over. @param onFailure called when its process never saw it */
  give(id: number, { socket, address }: Pick<Pending, 'socket' | 'address'>, onFailure: () => void): void {
    this.#pending.set(id, { socket, address, since: this.#clock.monotonic() });
    this.#confirmLater();
    this.#recipient.give(id, socket, () => {
      // The channel is closed.
      if (this.#pending.delete(id)) onFailure();
    });
  }

  /**
   * It has acknowledged the connection: our copy goes.
   * @returns the connections that it was given before and has lost; null if it does not have this one
   */
  acknowledged(id: number): Pending[] | null {
    const pending = this.#pending.get(id);
    if (pending === undefined) return null;
    this.#pending.delete(id);
    this.#open.set(id, pending.address);
    pending.socket.destroy();
    // Orders arrive in order, so what was ordered before this one and not acknowledged never arrived.
    const lost: Pending[] = [];
    for (const [each, unseen] of this.#pending) {
      // They stand in the order of their numbers.
      if (each > id) break;
      this.#pending.delete(each);
      lost.push(unseen);
    }
    return lost;
  }

  /** It will never have the connection. */
  lost(id: number): Pending | null {
    const pending = this.#pending.get(id) ?? null;
    this.#pending.delete(id);
    return pending;
  }

  /** @returns the addresses of those that it had */
  closed(ids: Iterable<number>): (string | null)[] {
    const addresses: (string | null)[] = [];
    for (const id of ids) {
      const address = this.#open.get(id);
      if (address === undefined) continue;
      addresses.push(address);
      this.#open.delete(id);
    }
    return addresses;
  }

  /** Its process has exited. @returns the addresses of the connections that it had */
  closedAll(): (string | null)[] {
    return this.closed([...this.#open.keys()]);
  }

  /** Asks it nothing any more. */
  stopAsking(): void {
    this.#cancelConfirm?.();
  }

  /** Asks a late worker, once for each order, whether it has got it: a hung one does not answer, and is no case for us. */
  #confirmLater(): void {
    this.#cancelConfirm ??= this.#clock.after(STALL_AFTER, () => {
      this.#cancelConfirm = null;
      const now = this.#clock.monotonic();
      for (const [id, { since }] of this.#pending) {
        if (id <= this.#confirmed || now - since < STALL_AFTER) continue;
        this.#confirmed = id;
        this.#recipient.confirm(id);
      }
      if ([...this.#pending.keys()].some((id) => id > this.#confirmed)) this.#confirmLater();
    });
  }
}
