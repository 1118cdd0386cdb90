/**
 * Runs in the primary. The way by which work comes to workers: connections, from the dispatcher, or calls, from the
 * routers (routers/router-fleet.ts). Whoever leads workers through their lives opens and closes it, and need not know.
 */
import type { Dispatcher } from './dispatcher.js';
import type { WorkerHandle } from './worker-handle.js';

export interface WorkerDoor {
  /** Puts a ready worker into the choice. */
  admit(handle: WorkerHandle): void;
  /** Takes it out of the choice. What it has stays with it. */
  withdraw(id: number): void;
  /** Puts one that was withdrawn into the choice again. */
  readmit(id: number): void;
  isAdmitted(id: number): boolean;
  /** Its process has exited. */
  gone(id: number): void;
  /** Clients whose calls it serves: their connections, or those that have a link to it. */
  connectionsOf(id: number): number;
  /** Whether one that was withdrawn has no client any more. */
  hasLeft(id: number): boolean;
  /** The unix socket on which it takes links; null when connections come to it. */
  linkPath(id: number): string | null;
}

export class ConnectionDoor implements WorkerDoor {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  admit(handle: WorkerHandle): void {
    this.#dispatcher.admit(handle.id, {
      slot: handle.slot,
      give: (id, socket, onFailure) => handle.sendSocket({ type: 'take-socket', id }, socket, onFailure),
      confirm: (id) => handle.send({ type: 'confirm-socket', id }),
    });
  }

  withdraw(id: number): void {
    this.#dispatcher.withdraw(id);
  }

  readmit(id: number): void {
    this.#dispatcher.readmit(id);
  }

  isAdmitted(id: number): boolean {
    return this.#dispatcher.isAdmitted(id);
  }

  gone(id: number): void {
    this.#dispatcher.gone(id);
  }

  connectionsOf(id: number): number {
    return this.#dispatcher.connectionsOf(id);
  }

  hasLeft(id: number): boolean {
    return this.connectionsOf(id) === 0;
  }

  linkPath(): null {
    return null;
  }
}
