/** Runs in a router. The workers that it knows, and which of them gets a call. */
import type { Clock } from '../shared/clock.js';
import { RoutedWorker, type WorkerPlace } from './routed-worker.js';
import { chooseWorker } from './worker-choice.js';

export interface WorkerRosterOptions {
  readonly clock: Clock;
  /** There is a worker more. */
  readonly onGood: () => void;
  /** A worker that was withdrawn has no call and no link any more. */
  readonly onLeft: (id: number) => void;
}

export class WorkerRoster {
  readonly #options: WorkerRosterOptions;
  readonly #known = new Map<number, RoutedWorker>();
  #admitted: RoutedWorker[] = [];
  #turn = 0;

  constructor(options: WorkerRosterOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): IterableIterator<RoutedWorker> {
    return this.#known.values();
  }

  admit(place: WorkerPlace): void {
    const { clock, onGood, onLeft } = this.#options;
    const known = this.#known.get(place.id);
    if (known === undefined) this.#known.set(place.id, new RoutedWorker(place, { clock, onGood, onLeft: () => onLeft(place.id) }));
    else known.readmit();
    this.#list();
    onGood();
  }

  withdraw(id: number): void {
    this.#known.get(id)?.withdraw();
    this.#list();
  }

  /** @returns how many calls it was given */
  gone(id: number): number {
    const worker = this.#known.get(id);
    worker?.gone();
    this.#known.delete(id);
    this.#list();
    return worker?.calls ?? 0;
  }

  /** @param home of the connection whose call it is */
  choose(home: RoutedWorker | null): RoutedWorker | null {
    this.#turn += 1;
    return chooseWorker(this.#admitted, home?.isWithdrawn === true ? null : home, this.#turn);
  }

  #list(): void {
    this.#admitted = [...this.#known.values()].filter(({ isWithdrawn }) => !isWithdrawn);
  }
}
