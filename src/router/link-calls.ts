/** Runs in a router. Counts the calls of a link that its worker has not ended. */
import type { CallUnits } from './call-units.js';
import type { RoutedWorker } from './routed-worker.js';

export class LinkCalls {
  readonly #worker: RoutedWorker;
  readonly #units: CallUnits;
  #count = 0;
  #newest = 0;
  /** That one, when somebody asked whether the link is still used. */
  #lookedAt = 0;
  /** Those that hold no unit: calls that only look at the server. */
  readonly #exempt = new Set<number>();
  /** Given up by the client since the last question... */
  #reset = new Set<number>();
  /** ...and those that the worker is asked about: when it has answered, it has read that they are over. */
  #asked: Set<number> | null = null;

  constructor(worker: RoutedWorker, units: CallUnits) {
    this.#worker = worker;
    this.#units = units;
  }

  get count(): number {
    return this.#count;
  }

  begin(id: number, isExempt: boolean): void {
    this.#count += 1;
    this.#newest = id;
    this.#worker.begin();
    if (isExempt) this.#exempt.add(id);
  }

  /** Whether none is left, and none has begun since this was asked last. */
  lookUnused(): boolean {
    const isUnused = this.#count === 0 && this.#newest === this.#lookedAt;
    this.#lookedAt = this.#newest;
    return isUnused;
  }

  /** The worker has ended it. */
  end(id: number): void {
    if (this.#reset.size > 0) this.#reset.delete(id);
    this.#asked?.delete(id);
    this.#worker.end(1);
    if (!this.#remove(id)) this.#units.release();
  }

  /** It goes on elsewhere, with its unit. @returns whether it is exempt */
  moveAway(id: number): boolean {
    this.#worker.takeBack();
    return this.#remove(id);
  }

  /** Its client has given it up. @returns whether to ask the worker now whether it has heard of it */
  reset(id: number): boolean {
    this.#reset.add(id);
    return this.#ask();
  }

  /** The worker has answered. @returns whether to ask again */
  answered(): boolean {
    const asked = this.#asked ?? [];
    this.#asked = null;
    for (const id of asked) this.end(id);
    return this.#ask();
  }

  /** The link is gone, and all that were left are over. */
  endAll(): void {
    const units = this.#count - this.#exempt.size;
    this.#worker.end(this.#count);
    this.#count = 0;
    this.#exempt.clear();
    this.#reset.clear();
    this.#asked = null;
    for (let count = 0; count < units; count += 1) this.#units.release();
  }

  #ask(): boolean {
    if (this.#asked !== null || this.#reset.size === 0) return false;
    this.#asked = this.#reset;
    this.#reset = new Set();
    return true;
  }

  /** @returns whether it was exempt */
  #remove(id: number): boolean {
    this.#count -= 1;
    return this.#exempt.size > 0 && this.#exempt.delete(id);
  }
}
