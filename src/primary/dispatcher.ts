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
/** Connections kept waiting for a worker, at the most. */
const LONGEST_QUEUE = 4096;

export type RefusalReason = 'over-limit' | 'queue-full' | 'queue-timeout' | 'stopping' | 'out-of-descriptors';

/** A worker as the dispatcher needs it. */
export interface Recipient {
  readonly slot: number;
  /** Sends the order to take socket `id`; calls `onFailure` if it cannot be sent. */
  give(id: number, socket: Socket, onFailure: () => void): void;
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
    this.#serveQueue();
  }

  /** The order arrived without its socket (the worker is out of descriptors): another one shall try. */
  lost(id: number, socketId: number): void {
    const seat = this.#seats.get(id);
    const pending = seat?.pending.get(socketId);
    if (seat === undefined || pending === undefined) return;
    seat.pending.delete(socketId);
    this.#refuse(pending.socket, 'out-of-descriptors');
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
    for (const { socket } of this.#queue.splice(0)) this.#refuse(socket, 'stopping');
  }

  #total(): number {
    let total = this.#queue.length;
    for (const seat of this.#seats.values()) total += seat.connections;
    return total;
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
    seat.recipient.give(id, pending.socket, () => {
      // The channel is closed, so the process never saw the socket.
      if (seat.pending.delete(id)) this.#enqueue(pending);
    });
  }

  #enqueue(pending: Pending): void {
    if (this.#queue.length >= LONGEST_QUEUE) {
      this.#refuse(pending.socket, 'queue-full');
      return;
    }
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
