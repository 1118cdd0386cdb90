/** Runs in the primary. Which workers routers may give calls to: what has to be said to each router, then and later. */
import type { ToRouter } from '../../ipc/router-messages.js';
import type { WorkerHandle } from '../worker-handle.js';

type AdmitOrder = Extract<ToRouter, { type: 'admit-worker' }>;

interface Place {
  readonly order: AdmitOrder;
  state: 'admitted' | 'withdrawn';
}

export class WorkerPlaces {
  readonly #places = new Map<number, Place>();
  readonly #tell: (message: ToRouter) => void;

  /** @param tell says something to all routers */
  constructor(tell: (message: ToRouter) => void) {
    this.#tell = tell;
  }

  /** What a router that has just started must hear. */
  get orders(): AdmitOrder[] {
    return [...this.#places.values()].filter(({ state }) => state === 'admitted').map(({ order }) => order);
  }

  admit({ id, slot, generation }: WorkerHandle, path: string): void {
    const order: AdmitOrder = { type: 'admit-worker', id, slot, generation, path };
    this.#places.set(id, { order, state: 'admitted' });
    this.#tell(order);
  }

  withdraw(id: number): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    place.state = 'withdrawn';
    this.#tell({ type: 'withdraw-worker', id });
  }

  readmit(id: number): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    place.state = 'admitted';
    this.#tell(place.order);
  }

  isAdmitted(id: number): boolean {
    return this.#places.get(id)?.state === 'admitted';
  }

  gone(id: number): void {
    if (this.#places.delete(id)) this.#tell({ type: 'worker-gone', id });
  }
}
