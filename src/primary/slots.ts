/** Runs in the primary. What is remembered of a slot from one worker to the next. */
import { afterCrash, CLEAN_BUDGET, type CrashBudget } from './crash-budget.js';
import type { Pace } from './recycling-policy.js';

/**
 * A slot is recycled once in this many milliseconds for what a new worker may suffer at once as well: one poisonous
 * call, or a limit below what every worker needs, must not keep it restarting.
 */
const RECYCLE_INTERVAL = 60_000;

interface Slot {
  forks: number;
  budget: CrashBudget;
  recycledAt: number;
}

export class Slots {
  readonly #slots = new Map<number, Slot>();
  readonly #random: () => number;

  /** @param random numbers in 0..1, for the jitter of waits */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Counts a fork; returns how many there were before it. */
  noteFork(slot: number): number {
    return this.#slot(slot).forks++;
  }

  restarts(slot: number): number {
    return Math.max(0, this.#slot(slot).forks - 1);
  }

  /** Crashes in a row. */
  crashes(slot: number): number {
    return this.#slot(slot).budget.crashes;
  }

  /** When the slot may fork again, in milliseconds. */
  retryAt(slot: number): number {
    return this.#slot(slot).budget.retryAt;
  }

  /** Charges a crash to the slot. @param readyFor how long the worker had been ready, in milliseconds */
  charge(slot: number, now: number, readyFor: number): CrashBudget {
    const entry = this.#slot(slot);
    entry.budget = afterCrash(entry.budget, now, readyFor, this.#random());
    return entry.budget;
  }

  /** Clears all crashes; restarts stay counted. */
  forgive(): void {
    for (const slot of this.#slots.values()) slot.budget = CLEAN_BUDGET;
  }

  /** Whether the slot's turn to be recycled has come. */
  mayRecycle(slot: number, now: number, pace: Pace): boolean {
    return pace === 'any-time' || now - this.#slot(slot).recycledAt >= RECYCLE_INTERVAL;
  }

  noteRecycled(slot: number, now: number): void {
    this.#slot(slot).recycledAt = now;
  }

  /** Forgets the slots from `count` on: the fleet does without them, and whoever gets them back begins anew. */
  forgetFrom(count: number): void {
    for (const slot of this.#slots.keys()) if (slot >= count) this.#slots.delete(slot);
  }

  /** The next moment after `now` at which a slot below `count` may fork again; Infinity if none waits. */
  nextRetry(count: number, now: number): number {
    let next = Infinity;
    for (const [slot, { budget }] of this.#slots) {
      if (slot < count && budget.retryAt > now) next = Math.min(next, budget.retryAt);
    }
    return next;
  }

  #slot(slot: number): Slot {
    let entry = this.#slots.get(slot);
    if (entry === undefined) {
      entry = { forks: 0, budget: CLEAN_BUDGET, recycledAt: -Infinity };
      this.#slots.set(slot, entry);
    }
    return entry;
  }
}
