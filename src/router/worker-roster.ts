/** Runs in a router. The workers that it knows, and which of them gets a call. */
import type { Clock } from '../shared/clock.js';
import { RoutedWorker, type WorkerPlace } from './routed-worker.js';
import { chooseWorker } from './worker-choice.js';

export class WorkerRoster {
  readonly #clock: Clock;
  readonly #onGood: () => void;
  readonly #known = new Map<number, RoutedWorker>();
  #admitted: RoutedWorker[] = [];
  #turn = 0;

  /** @param onGood there is a worker more */
  constructor(clock: Clock, onGood: () => void) {
    this.#clock = clock;
    this.#onGood = onGood;
  }

  [Symbol.iterator](): IterableIterator<RoutedWorker> {
    return this.#known.values();
  }

  admit(place: WorkerPlace): void {
    if (this.#known.has(place.id)) return;
    const worker = new RoutedWorker(place, this.#clock, () => this.#onGood());
    this.#known.set(place.id, worker);
    this.#list();
    this.#onGood();
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
