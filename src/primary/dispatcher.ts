/**
 * Runs in the primary. Gives every accepted connection to one worker and makes sure that it is never lost: our copy
 * of a socket stays open until the worker has acknowledged it (src/front/intake.ts); what a worker did not
 * acknowledge goes to another one, but only after the exit of the first was seen, because two processes must never
 * read one connection.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../shared/clock.js';
import { fewestConnections } from './balance.js';
import { AddressCounts, clientAddress } from './client-address.js';
import { Seat, STALL_AFTER, type Pending, type Recipient } from './seat.js';

/** Connections held here, waiting for a worker or for its acknowledgement, at the most: some 4 KiB of memory each. */
const MOST_HELD = 16_384;

export const REFUSAL_REASONS = ['over-limit', 'over-address-limit', 'queue-full', 'queue-timeout', 'stopping', 'out-of-descriptors'] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export interface DispatcherOptions {
  readonly clock: Clock;
  /** Connections in total, those that wait included. */
  readonly maxConnections: number;
  /** Connections from one address; null: as many as there may be. */
  readonly maxConnectionsPerAddress: number | null;
  /** Connections that this process can hold open at a time, given its limit of open files. */
  readonly maxHeld: number;
  /** How long a connection may wait for a worker, in milliseconds. */
  readonly queueTimeout: number;
  readonly onRefused: (reason: RefusalReason) => void;
}

export class Dispatcher {
  #options: DispatcherOptions;
  readonly #seats = new Map<number, Seat>();
  #queue: Pending[] = [];
  readonly #addresses = new AddressCounts();
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
    const address = clientAddress(socket.remoteAddress);
    const { maxConnections, maxConnectionsPerAddress, maxHeld } = this.#options;
    // Nobody counts for it yet.
    const refuse = (reason: RefusalReason): void => this.#refuse({ socket, address: null }, reason);
    if (this.#isClosed) {
      refuse('stopping');
    } else if (this.#total() >= maxConnections) {
      refuse('over-limit');
    } else if (maxConnectionsPerAddress !== null && this.#addresses.of(address) >= maxConnectionsPerAddress) {
      refuse('over-address-limit');
    } else if (this.#held() >= Math.min(MOST_HELD, maxHeld)) {
      refuse('queue-full');
    } else {
      this.#addresses.add(address);
      this.#place({ socket, address, since: this.#options.clock.monotonic() });
    }
  }

  /** Puts a worker into the choice, and gives it what waits. */
  admit(id: number, recipient: Recipient): void {
    this.#seats.set(id, new Seat(recipient, this.#options.clock));
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

  /** The worker has the socket. */
  acknowledged(id: number, socketId: number): void {
    const lost = this.#seats.get(id)?.acknowledged(socketId);
    if (lost == null) return;
    for (const each of lost) this.#refuse(each, 'out-of-descriptors');
    this.#serveQueue();
  }

  /** The worker is out of descriptors: the order did not arrive, or without its socket. */
  lost(id: number, socketId: number): void {
    const pending = this.#seats.get(id)?.lost(socketId);
    if (pending == null) return;
    this.#refuse(pending, 'out-of-descriptors');
    this.#serveQueue();
  }

  closed(id: number, socketIds: Iterable<number>): void {
    this.#forget(this.#seats.get(id)?.closed(socketIds) ?? []);
  }

  /** The process has exited: what it never acknowledged goes to others. */
  gone(id: number): void {
    const seat = this.#seats.get(id);
    if (seat === undefined) return;
    this.#seats.delete(id);
    seat.stopAsking();
    this.#forget(seat.closedAll());
    for (const pending of seat.pending) this.#place(pending);
  }

  connectionsOf(id: number): number {
    return this.#seats.get(id)?.connections ?? 0;
  }

  /** For connections that are still to come. */
  setLimits(limits: Pick<DispatcherOptions, 'maxConnections' | 'maxConnectionsPerAddress'>): void {
    this.#options = { ...this.#options, ...limits };
  }

  /** No more connections: what waits is closed, and so is whatever still comes. */
  close(): void {
    this.#isClosed = true;
    this.#cancelWake?.();
    for (const seat of this.#seats.values()) seat.stopAsking();
    for (const pending of this.#queue.splice(0)) this.#refuse(pending, 'stopping');
  }

  #total(): number {
    let total = this.#queue.length;
    for (const seat of this.#seats.values()) total += seat.connections;
    return total;
  }

  #held(): number {
    let held = this.#queue.length;
    for (const seat of this.#seats.values()) held += seat.held;
    return held;
  }

  #place(pending: Pending): void {
    if (this.#isClosed) {
      this.#refuse(pending, 'stopping');
      return;
    }
    const seat = this.#choose();
    if (seat === undefined) this.#enqueue(pending);
    else this.#give(seat, pending);
  }

  #choose(): Seat | undefined {
    return fewestConnections([...this.#seats.values()].filter(({ admitted, isStalled }) => admitted && !isStalled));
  }

  #give(seat: Seat, pending: Pending): void {
    seat.give(this.#nextId++, pending, () => this.#enqueue(pending));
  }

  #enqueue(pending: Pending): void {
    this.#queue.push(pending);
    this.#wakeLater();
  }

  /** Called for each acknowledgement, so it must not look at all who wait when nobody can take one. */
  #serveQueue(): void {
    // As many as wait now: one that could not be sent is back in the queue, and waits for the exit of that process.
    for (let left = this.#queue.length; left > 0; left -= 1) {
      const seat = this.#choose();
      if (seat === undefined) return;
      const [pending] = this.#queue.splice(0, 1);
      if (pending !== undefined) this.#give(seat, pending);
    }
  }

  /** While connections wait, looks for those that waited too long and for workers that are no longer stalled. */
  #wakeLater(): void {
    if (this.#cancelWake !== null) return;
    this.#cancelWake = this.#options.clock.after(STALL_AFTER, () => {
      this.#cancelWake = null;
      const oldest = this.#options.clock.monotonic() - this.#options.queueTimeout;
      const late = this.#queue.filter(({ since }) => since < oldest);
      if (late.length > 0) this.#queue = this.#queue.filter(({ since }) => since >= oldest);
      for (const pending of late) this.#refuse(pending, 'queue-timeout');
      this.#serveQueue();
      if (this.#queue.length > 0) this.#wakeLater();
    });
  }

  #forget(addresses: Iterable<string | null>): void {
    for (const address of addresses) this.#addresses.remove(address);
  }

  #refuse({ socket, address }: Pick<Pending, 'socket' | 'address'>, reason: RefusalReason): void {
    socket.destroy();
    this.#addresses.remove(address);
    this.#options.onRefused(reason);
  }
}
