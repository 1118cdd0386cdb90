/**
 * Runs in the primary. When a worker has served enough: calls, age or memory over its limit. Pure; who asks with
 * every heartbeat is upkeep.ts, and the supervisor lets one worker go at a time, its replacement first.
 */
import type { Config } from '../config/options.js';

/** Spread of the limits from worker to worker, so that those that started together do not leave together. */
const JITTER = 0.2;
/** Readings over the memory limit that it takes: one may be what a single large call needed. */
const READINGS = 2;
/**
 * A worker that is over a limit this soon after it was ready, in milliseconds, is so by nature and not by wear; a
 * new one would be no better. This lets a limit that is set too low restart each slot once a minute and no more.
 */
export const AT_ONCE = 10_000;

/** Null: no limit. */
export interface WorkerLimits {
  readonly calls: number | null;
  /** Milliseconds since it was ready. */
  readonly age: number | null;
  /** Bytes of resident memory. */
  readonly memory: number | null;
}

/** The limits of one worker, for its life. @param random a number in 0..1 */
export function limitsOf(config: Pick<Config, 'maxCallsPerWorker' | 'maxWorkerAge' | 'maxWorkerMemory'>, random: number): WorkerLimits {
  const factor = 1 + JITTER * (2 * random - 1);
  const spread = (limit: number | null): number | null => (limit === null ? null : Math.max(1, Math.round(limit * factor)));
  return { calls: spread(config.maxCallsPerWorker), age: spread(config.maxWorkerAge), memory: spread(config.maxWorkerMemory) };
}

/** What a worker's heartbeats have said, as far as limits go. */
export interface Wear {
  readonly calls: number;
  /** Milliseconds since it was ready. */
  readonly age: number;
  /** Heartbeats in a row that were over the limit on memory. */
  readonly heavy: number;
}

export const UNWORN: Wear = { calls: 0, age: 0, heavy: 0 };

/** Adds a heartbeat. */
export function wear(before: Wear, { calls, rss }: { calls: number; rss: number }, age: number, { memory }: WorkerLimits): Wear {
  return { calls, age, heavy: memory !== null && rss > memory ? before.heavy + 1 : 0 };
}

/** How often a slot may be recycled for the reason. */
export type Pace = 'any-time' | 'once-a-minute';

/** Why a worker shall be recycled. */
export interface RecycleWish {
  readonly cause: string;
  readonly pace: Pace;
}

/** The limit that the worker is over, or null. */
export function overLimit({ calls, age, heavy }: Wear, limits: WorkerLimits): RecycleWish | null {
  const pace = age < AT_ONCE ? 'once-a-minute' : 'any-time';
  if (heavy >= READINGS) return { cause: 'maxWorkerMemory', pace };
  if (limits.calls !== null && calls >= limits.calls) return { cause: 'maxCallsPerWorker', pace };
  // Time passes no faster for a new worker.
  if (limits.age !== null && age >= limits.age) return { cause: 'maxWorkerAge', pace: 'any-time' };
  return null;
}
