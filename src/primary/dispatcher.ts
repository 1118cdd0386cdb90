/**
 * Runs in the primary. Gives every accepted connection to one worker and makes sure that it is never lost: our copy
 * of a socket stays open until the worker has acknowledged it (src/worker/intake.ts); what a worker did not
 * acknowledge goes to another one, but only after the exit of the first was seen, because two processes must never
 * read one connection.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../shared/clock.js';
import { fewestConnections } from './balance.js';

/** A worker that has not acknowledged a socket after this many milliseconds gets no further ones until it does. */
const STALL_AFTER = 200;
/** Connections held here, waiting for a worker or for its acknowledgement, at the most. */
const MOST_HELD = 4096;

export type RefusalReason = 'over-limit' | 'queue-full' | 'queue-timeout' | 'stopping' | 'out-of-descriptors';

/** A worker as the dispatcher needs it. */
export interface Recipient {
  readonly slot: number;
  /** Sends the order to take socket `id`; calls `onFailure` if it cannot be sent. */
  give(id: number, socket: Socket, onFailure: () => void): void;
  /** Asks whether that order was received; `lost` when it was not. */
  confirm(id: number): void;
}

interface Pending {
  readonly socket: Socket;
  readonly since: number;
}

class Seat {
  readonly recipient: Recipient;
  readonly pending = new Map<number, Pending>();
  /** Connections that it has acknowledged and not reported closed. */
  open = 0;
  admitted = true;
  /** The newest of the orders that it was asked about. */
  confirmed = 0;
  cancelConfirm: (() => void) | null = null;

  constructor(recipient: Recipient) {
    this.recipient = recipient;
  }

  get slot(): number {
    return this.recipient.slot;
  }

  get connections(): number {
    return this.open + this.pending.size;
  }

  isStalled(now: number): boolean {
    const [oldest] = this.pending.values();
    return oldest !== undefined && now - oldest.since > STALL_AFTER;
  }
}

export interface DispatcherOptions {
  readonly clock: Clock;
  /** Connections in total, those that wait included. */
  readonly maxConnections: number;
  /** Connections that this process can hold open at a time, given its limit of open files. */
  readonly maxHeld: number;
  /** How long a connection may wait for a worker, in milliseconds. */
  readonly queueTimeout: number;
  readonly onRefused: (reason: RefusalReason) => void;
}

export class Dispatcher {
  #options: DispatcherOptions;
  readonly #seats = new Map<number, Seat>();
  readonly #queue: Pending[] = [];
  #nextId = 1;
  #isClosed = false;
  #cancelWake: (() => void) | null = null;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Connections that wait for a worker. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Takes over an accepted, paused socket. */
  dispatch(socket: Socket): void {
    // A reset while it waits is found by whoever reads it next.
    socket.on('error', () => undefined);
    if (this.#isClosed) {
      this.#refuse(socket, 'stopping');
    } else if (this.#total() >= this.#options.maxConnections) {
      this.#refuse(socket, 'over-limit');
    } else if (this.#held() >= Math.min(MOST_HELD, this.#options.maxHeld)) {
      this.#refuse(socket, 'queue-full');
    } else {
      this.#place({ socket, since: this.#options.clock.monotonic() });
    }
  }

  /** Puts a worker into the choice, and gives it what waits. */
  admit(id: number, recipient: Recipient): void {
    this.#seats.set(id, new Seat(recipient));
    this.#serveQueue();
  }

  /** Takes a worker out of the choice. What it was given and still has to acknowledge stays with it. */
  withdraw(id: number): void {
    const seat = this.#seats.get(id);
    if (seat !== undefined) seat.admitted = false;
  }

  /** Puts a worker that was withdrawn into the choice again. */
  readmit(id: number): void {
    const seat = this.#seats.get(id);
    if (seat === undefined) return;
    seat.admitted = true;
    this.#serveQueue();
  }

  isAdmitted(id: number): boolean {
    return this.#seats.get(id)?.admitted ?? false;
  }

  /** The worker has the socket: our copy goes. */
  acknowledged(id: number, socketId: number): void {
    const seat = this.#seats.get(id);
    const pending = seat?.pending.get(socketId);
    if (seat === undefined || pending === undefined) return;
    seat.pending.delete(socketId);
    seat.open += 1;
    pending.socket.destroy();
    // Orders arrive in order, so what was ordered before this one and not acknowledged never arrived.
    for (const earlier of seat.pending.keys()) if (earlier < socketId) this.lost(id, earlier);
    this.#serveQueue();
  }

  /** The worker is out of descriptors: the order did not arrive, or without its socket. */
  lost(id: number, socketId: number): void {
    const seat = this.#seats.get(id);
    const pending = seat?.pending.get(socketId);
    if (seat === undefined || pending === undefined) return;
    seat.pending.delete(socketId);
    this.#refuse(pending.socket, 'out-of-descriptors');
    this.#serveQueue();
  }

  closed(id: number, count: number): void {
    const seat = this.#seats.get(id);
    if (seat !== undefined) seat.open = Math.max(0, seat.open - count);
  }

  /** The process has exited: what it never acknowledged goes to others. */
  gone(id: number): void {
    const seat = this.#seats.get(id);
    if (seat === undefined) return;
    this.#seats.delete(id);
    seat.cancelConfirm?.();
    for (const pending of seat.pending.values()) this.#place(pending);
  }

  connectionsOf(id: number): number {
    return this.#seats.get(id)?.connections ?? 0;
  }

  /** Changes the limit for connections that are still to come. */
  setMaxConnections(maxConnections: number): void {
    this.#options = { ...this.#options, maxConnections };
  }

  /** No more connections: what waits is closed, and so is whatever still comes. */
  close(): void {
    this.#isClosed = true;
    this.#cancelWake?.();
    for (const seat of this.#seats.values()) seat.cancelConfirm?.();
    for (const { socket } of this.#queue.splice(0)) this.#refuse(socket, 'stopping');
  }

  #total(): number {
    let total = this.#queue.length;
    for (const seat of this.#seats.values()) total += seat.connections;
    return total;
  }

  #held(): number {
    let held = this.#queue.length;
    for (const seat of this.#seats.values()) held += seat.pending.size;
    return held;
  }

  #place(pending: Pending): void {
    if (this.#isClosed) {
      this.#refuse(pending.socket, 'stopping');
      return;
    }
    const now = this.#options.clock.monotonic();
    const candidates = [...this.#seats].filter(([, seat]) => seat.admitted && !seat.isStalled(now));
    const seat = fewestConnections(candidates.map(([, candidate]) => candidate));
    if (seat === undefined) {
      this.#enqueue(pending);
      return;
    }
    const id = this.#nextId++;
    seat.pending.set(id, { socket: pending.socket, since: now });
    this.#confirmLater(seat);
    seat.recipient.give(id, pending.socket, () => {
      // The channel is closed, so the process never saw the socket.
      if (seat.pending.delete(id)) this.#enqueue(pending);
    });
  }

  /** Asks a late worker, once for each order, whether it has got it: a hung one does not answer, and is no case for us. */
  #confirmLater(seat: Seat): void {
    seat.cancelConfirm ??= this.#options.clock.after(STALL_AFTER, () => {
      seat.cancelConfirm = null;
      const now = this.#options.clock.monotonic();
      for (const [id, { since }] of seat.pending) {
        if (id <= seat.confirmed || now - since < STALL_AFTER) continue;
        seat.confirmed = id;
        seat.recipient.confirm(id);
      }
      if ([...seat.pending.keys()].some((id) => id > seat.confirmed)) this.#confirmLater(seat);
    });
  }

  #enqueue(pending: Pending): void {
    this.#queue.push(pending);
    this.#wakeLater();
  }

  #serveQueue(): void {
    for (const pending of this.#queue.splice(0)) this.#place(pending);
  }

  /** While connections wait, looks for those that waited too long and for workers that are no longer stalled. */
  #wakeLater(): void {
    if (this.#cancelWake !== null) return;
    this.#cancelWake = this.#options.clock.after(STALL_AFTER, () => {
      this.#cancelWake = null;
      const oldest = this.#options.clock.monotonic() - this.#options.queueTimeout;
      for (const pending of this.#queue.splice(0)) {
        if (pending.since < oldest) this.#refuse(pending.socket, 'queue-timeout');
        else this.#place(pending);
      }
    });
  }

  #refuse(socket: Socket, reason: RefusalReason): void {
    socket.destroy();
    this.#options.onRefused(reason);
  }
}
