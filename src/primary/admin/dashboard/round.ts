/**
 * Runs in the primary. When a round of heartbeats is over: all workers that serve have told what their calls came to, or
 * one tells for the second time. Slices of the clock would hold two heartbeats of a worker now and none then, and a
 * steady rate would show as a saw.
 */
import type { MethodCalls } from '../../../ipc/call-figures.js';
import { LATENCY_BUCKETS } from '../../../shared/latency-buckets.js';

/** Workers that come and go, as in a reload, would make rounds in which one call is a hundred a second; in milliseconds. */
const SHORTEST = 1000;
/** Longest silence of the fleet after which a round is one of its own, in milliseconds. */
const LONGEST = 5000;

export interface RoundFigures {
  readonly seconds: number;
  /** Calls by status code, 0 to 16. */
  readonly codes: readonly number[];
  readonly buckets: readonly number[];
}

export class Round {
  #startedAt: number;
  #codes = new Array<number>(17).fill(0);
  #buckets = new Array<number>(LATENCY_BUCKETS.length + 1).fill(0);
  readonly #told = new Set<number>();

  /** @param now milliseconds on the steady clock, as everywhere here */
  constructor(now: number) {
    this.#startedAt = now;
  }

  add(methods: readonly MethodCalls[]): void {
    for (const { codes, buckets } of methods) {
      for (const [code, count] of codes.entries()) this.#codes[code] = (this.#codes[code] ?? 0) + count;
      for (const [bucket, count] of buckets.entries()) this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + count;
    }
  }

  /** A worker beats: true when the round was over before. */
  isOverBefore(worker: number, now: number): boolean {
    return this.#told.has(worker) && now - this.#startedAt >= SHORTEST;
  }

  /** That worker has told all. */
  noteTold(worker: number): void {
    this.#told.add(worker);
  }

  /** @param serving those that are expected to tell; asked for when that matters */
  isOver(serving: () => readonly number[], now: number): boolean {
    const lasted = now - this.#startedAt;
    return lasted >= SHORTEST && (lasted > LONGEST || serving().every((worker) => this.#told.has(worker)));
  }

  /** Ends the round and begins the next. */
  take(now: number): RoundFigures {
    const figures = { seconds: (now - this.#startedAt) / 1000, codes: this.#codes, buckets: this.#buckets };
    this.#startedAt = now;
    this.#codes = new Array<number>(this.#codes.length).fill(0);
    this.#buckets = new Array<number>(this.#buckets.length).fill(0);
    this.#told.clear();
    return figures;
  }
}
