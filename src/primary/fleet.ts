/** Runs in the primary. The workers that are not gone; queries only. */
import type { WorkerHandle } from './worker-handle.js';

export class Fleet {
  readonly #handles = new Map<number, WorkerHandle>();

  add(handle: WorkerHandle): void {
    this.#handles.set(handle.id, handle);
  }

  remove(handle: WorkerHandle): void {
    this.#handles.delete(handle.id);
  }

  get(id: number): WorkerHandle | undefined {
    return this.#handles.get(id);
  }

  get size(): number {
    return this.#handles.size;
  }

  /** By slot, oldest first. */
  all(): WorkerHandle[] {
    return [...this.#handles.values()].sort((a, b) => a.slot - b.slot || a.id - b.id);
  }

  ready(): WorkerHandle[] {
    return this.all().filter(({ state }) => state === 'ready');
  }

  isRecycling(): boolean {
    return this.all().some(({ recycle }) => recycle !== null);
  }
}
