/** Runs in a router. The workers that it knows, and which of them gets a call. */
import type { Clock } from '../shared/clock.js';
import { RoutedWorker, type WorkerPlace } from './routed-worker.js';
import { chooseWorker } from './worker-choice.js';
import { WorkerRanking } from './worker-ranking.js';

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
  /** Those that are admitted. */
  readonly #ranking = new WorkerRanking<RoutedWorker>();

  constructor(options: WorkerRosterOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): IterableIterator<RoutedWorker> {
    return this.#known.values();
  }

  admit(place: WorkerPlace): void {
    const { onGood } = this.#options;
    const known = this.#known.get(place.id);
    known?.readmit();
    this.#ranking.add(known ?? this.#meet(place));
    onGood();
  }

  withdraw(id: number): void {
    const worker = this.#known.get(id);
    if (worker === undefined) return;
    this.#ranking.remove(worker);
    worker.withdraw();
  }

  /** @returns how many calls it was given */
  gone(id: number): number {
    const worker = this.#known.get(id);
    if (worker === undefined) return 0;
    this.#ranking.remove(worker);
    worker.gone();
    this.#known.delete(id);
    return worker.calls;
  }

  /** @param home of the connection whose call it is */
  choose(home: RoutedWorker | null): RoutedWorker | null {
    return chooseWorker(this.#ranking.first, home?.isWithdrawn === true ? null : home);
  }

  #meet(place: WorkerPlace): RoutedWorker {
    const { clock, onGood, onLeft } = this.#options;
    const worker = new RoutedWorker(place, { clock, ranking: this.#ranking, onGood, onLeft: () => onLeft(place.id) });
    this.#known.set(place.id, worker);
    return worker;
  }
}
