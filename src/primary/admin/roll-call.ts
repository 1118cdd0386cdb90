/**
 * Runs in the primary. Asks workers what their calls have come to (src/worker/main.ts answers). Each has half a second:
 * one that hangs costs a scrape no more than that.
 */
import type { Clock } from '../../shared/clock.js';
import type { WorkerHandle } from '../worker-handle.js';

/** In milliseconds. */
export const PATIENCE = 500;

type Asked = Pick<WorkerHandle, 'send'>;

interface Call<Worker> {
  readonly waiting: Set<Worker>;
  readonly done: () => void;
}

export class RollCall<Worker extends Asked> {
  readonly #clock: Clock;
  readonly #calls = new Map<number, Call<Worker>>();
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with those that have not answered, when all others have or the time is over. */
  ask(workers: Iterable<Worker>): Promise<ReadonlySet<Worker>> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const waiting = new Set<Worker>(workers);
      const silent = new Set<Worker>();
      const cancel = this.#clock.after(PATIENCE, () => this.#calls.get(id)?.done());
      this.#calls.set(id, {
        waiting,
        done: () => {
          this.#calls.delete(id);
          cancel();
          resolve(new Set([...silent, ...waiting]));
        },
      });
      for (const worker of [...waiting]) {
        if (worker.send({ type: 'tell-calls', id })) continue;
        silent.add(worker);
        waiting.delete(worker);
      }
      this.#end(id);
    });
  }

  /** @param id of the order; null when nobody asked */
  answered(worker: Worker, id: number | null): void {
    if (id === null) return;
    this.#calls.get(id)?.waiting.delete(worker);
    this.#end(id);
  }

  #end(id: number): void {
    const call = this.#calls.get(id);
    if (call?.waiting.size === 0) call.done();
  }
}
