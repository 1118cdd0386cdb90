/**
 * Runs in a router. The workers in the order in which calls go to them, the first always at hand: a binary heap that is
 * put right at every change, so that ten times as many workers cost a call a few comparisons more.
 */
import type { Candidate } from './worker-choice.js';

export interface Ranked extends Candidate {
  /** For the ranking alone: the index in its heap; null without a rank. */
  rank: number | null;
  /** For the ranking alone: tells which one has ended a call last. */
  lastEnd: number;
}

/** Those that are late come after all that are not, those that are out last. */
const ORDER = { good: 0, late: 1, out: 2 } as const satisfies Record<Candidate['standing'], number>;

export class WorkerRanking<T extends Ranked> {
  readonly #heap: T[] = [];
  #ends = 0;

  /**
   * The least busy of the best standing. Idle ones come in turn, and of others the one that has ended a call last, for it
   * gets on: one that has not for long may have a call that keeps it for longer still.
   */
  get first(): T | null {
    return this.#heap[0] ?? null;
  }

  add(worker: T): void {
    if (worker.rank !== null) return;
    worker.rank = this.#heap.length;
    this.#heap.push(worker);
    this.noteEnd(worker);
  }

  remove(worker: T): void {
    const { rank } = worker;
    if (rank === null) return;
    worker.rank = null;
    const last = this.#heap.pop();
    if (last !== undefined && last !== worker) this.#settle(last, rank);
  }

  /** It has a call more, or another standing. One without a rank gets none. */
  note(worker: T): void {
    if (worker.rank !== null) this.#settle(worker, worker.rank);
  }

  /** It has ended calls. */
  noteEnd(worker: T): void {
    this.#ends += 1;
    worker.lastEnd = this.#ends;
    this.note(worker);
  }

  /** Finds the place of a worker that is right everywhere but there, which is free for it. */
  #settle(worker: T, from: number): void {
    const risen = this.#rise(worker, from);
    this.#put(worker, risen < from ? risen : this.#sink(worker, from));
  }

  /** Moves those that come after it out of its way to the top. @returns its place */
  #rise(worker: T, from: number): number {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = this.#heap[above];
      if (other === undefined || !comesBefore(worker, other)) break;
      this.#put(other, at);
      at = above;
    }
    return at;
  }

  /** Moves those that come before it up past it. @returns its place */
  #sink(worker: T, from: number): number {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const one = this.#heap[left];
      const two = this.#heap[left + 1];
      if (one === undefined) return at;
      const isLeft = two === undefined || comesBefore(one, two);
      const other = isLeft ? one : two;
      if (!comesBefore(other, worker)) return at;
      this.#put(other, at);
      at = isLeft ? left : left + 1;
    }
  }

  #put(worker: T, at: number): void {
    this.#heap[at] = worker;
    worker.rank = at;
  }
}

function comesBefore(one: Ranked, other: Ranked): boolean {
  if (one.standing !== other.standing) return ORDER[one.standing] < ORDER[other.standing];
  if (one.inFlight !== other.inFlight) return one.inFlight < other.inFlight;
  return one.inFlight === 0 ? one.lastEnd < other.lastEnd : one.lastEnd > other.lastEnd;
}
