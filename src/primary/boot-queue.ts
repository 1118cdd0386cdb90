/** Runs in the primary. Forks workers, a bounded number of them booting at the same time. */
import pLimit, { type LimitFunction } from 'p-limit';
import { deferred, type Deferred } from '../shared/deferred.js';
import type { WorkerHandle } from './worker-handle.js';

export class BootQueue {
  readonly #limit: LimitFunction;
  readonly #turns = new Map<number, Deferred<void>>();

  /** @param concurrency workers that may be starting at the same time */
  constructor(concurrency: number) {
    this.#limit = pLimit(concurrency);
  }

  setConcurrency(concurrency: number): void {
    this.#limit.concurrency = concurrency;
  }

  /** Calls `fork` when the worker's turn has come, unless it is no longer starting by then. */
  enter(handle: WorkerHandle, fork: () => void): void {
    const turn = deferred();
    this.#turns.set(handle.id, turn);
    void this.#limit(async () => {
      if (handle.state !== 'starting') return;
      fork();
      await turn.promise;
    });
  }

  /** The worker is no longer starting: the next may. */
  leave(handle: WorkerHandle): void {
    this.#turns.get(handle.id)?.resolve();
    this.#turns.delete(handle.id);
  }
}
