/** Runs in the primary. Which workers routers may give calls to: what has to be said to each router, then and later. */
import { rmSync } from 'node:fs';
import type { ToRouter } from '../../ipc/router-messages.js';
import type { WorkerDoor } from '../worker-door.js';
import type { WorkerHandle } from '../worker-handle.js';
import type { RouterHandle } from './router-handle.js';

type AdmitOrder = Extract<ToRouter, { type: 'admit-worker' }>;

interface Place {
  readonly order: AdmitOrder;
  state: 'admitted' | 'withdrawn';
  /** Of one that is withdrawn: routers that still have calls on it. */
  users: Set<RouterHandle>;
}

export interface RouterDoorOptions {
  /** Those that have said that they are ready. */
  readonly routers: () => readonly RouterHandle[];
  /** The unix socket on which a worker takes the links of routers. */
  readonly linkPath: (worker: number) => string;
}

export class RouterDoor implements WorkerDoor {
  readonly #options: RouterDoorOptions;
  readonly #places = new Map<number, Place>();
  #state: 'open' | 'stopping' = 'open';

  constructor(options: RouterDoorOptions) {
    this.#options = options;
  }

  /** What a router that has just started must hear. */
  get orders(): AdmitOrder[] {
    return [...this.#places.values()].filter(({ state }) => state === 'admitted').map(({ order }) => order);
  }

  admit({ id, slot, generation }: WorkerHandle): void {
    const order: AdmitOrder = { type: 'admit-worker', id, slot, generation, path: this.linkPath(id) };
    this.#places.set(id, { order, state: 'admitted', users: new Set() });
    this.#tell(order);
  }

  withdraw(id: number): void {
    const place = this.#places.get(id);
    // When all stops, calls that are on their way still need somebody; the routers see to the end of them.
    if (place === undefined || this.#state === 'stopping') return;
    place.state = 'withdrawn';
    place.users = new Set(this.#options.routers());
    this.#tell({ type: 'withdraw-worker', id });
  }

  readmit(id: number): void {
    const place = this.#places.get(id);
    if (place?.state !== 'withdrawn') return;
    place.state = 'admitted';
    this.#tell(place.order);
  }

  isAdmitted(id: number): boolean {
    return this.#places.get(id)?.state === 'admitted';
  }

  gone(id: number): void {
    if (this.#places.delete(id)) this.#tell({ type: 'worker-gone', id });
    // One that was killed has left it.
    rmSync(this.linkPath(id), { force: true });
  }

  connectionsOf(id: number): number {
    return this.#options.routers().reduce((links, { load }) => links + (load?.workers.find((worker) => worker.id === id)?.links ?? 0), 0);
  }

  hasLeft(id: number): boolean {
    return (this.#places.get(id)?.users.size ?? 0) === 0;
  }

  linkPath(id: number): string {
    return this.#options.linkPath(id);
  }

  /** From now on workers leave without a word to the routers. */
  stop(): void {
    this.#state = 'stopping';
  }

  /** A router has no calls on that worker any more. */
  noteLeft(id: number, router: RouterHandle): void {
    this.#places.get(id)?.users.delete(router);
  }

  noteRouterGone(router: RouterHandle): void {
    for (const { users } of this.#places.values()) users.delete(router);
  }

  #tell(message: ToRouter): void {
    for (const router of this.#options.routers()) router.send(message);
  }
}
