/**
 * Runs in the primary. How many workers an elastic fleet needs, decided once a heartbeat from how busy the workers'
 * event loops are. Pure, and the same cost for any number of workers; who looks and acts is upkeep.ts.
 */

/**
 * Grow when the average event loop is busy for this share of the time. From about there on calls wait for one
 * another noticeably: with random arrivals, more than twice as long as they take.
 */
export const BUSY = 0.7;
/** What growing aims at. Below BUSY, so that it is enough for a while; above CALM, so that it is not too much. */
export const AIM = 0.6;
/** Shrink when fewer workers would be no busier than this. The gap to AIM and BUSY is what keeps it from flapping. */
export const CALM = 0.5;
/** Busy for this long, in milliseconds: three heartbeats, so that one long handler or collection is no reason. */
export const GROW_AFTER = 6000;
/** Calm for this long, in milliseconds: every shrink sends clients elsewhere, and a pause is no end of the load. */
export const SHRINK_AFTER = 60_000;

export interface ScalingView {
  /** How many workers there shall be now. */
  readonly workers: number;
  /** How many are ready. */
  readonly ready: number;
  /** The utilisation of the ready workers' event loops, 0..1 each, added up. */
  readonly utilization: number;
  /** Whether calls are in flight or have come since the last heartbeat: what else keeps them busy, more workers do not help. */
  readonly serving: boolean;
  /** How many of the highest slots could be given up without cutting a call that has long been going on. */
  readonly free: number;
}

export interface ScalingLimits {
  readonly min: number;
  readonly max: number;
}

/** For how long the readings have agreed, and on how many workers. */
export type ScalingState =
  | { readonly mood: 'steady' }
  | { readonly mood: 'busy' | 'calm'; readonly since: number; readonly workers: number };

export const STEADY: ScalingState = { mood: 'steady' };

export interface ScalingDecision {
  readonly workers: number;
  readonly state: ScalingState;
}

/** @param now milliseconds on a steady clock */
export function decideScale(before: ScalingState, view: ScalingView, now: number, limits: ScalingLimits): ScalingDecision {
  const within = Math.min(Math.max(limits.min, view.workers), limits.max);
  if (within !== view.workers) return { workers: within, state: STEADY };
  const state = follow(before, read(view, now, limits));
  if (state.mood === 'busy' && now - state.since >= GROW_AFTER) return { workers: state.workers, state: STEADY };
  if (state.mood === 'calm' && now - state.since >= SHRINK_AFTER) {
    // At most half, because a load that comes back finds the fleet that it left less than a minute ago.
    const workers = Math.max(state.workers, Math.ceil(view.workers / 2), view.workers - view.free);
    if (workers < view.workers) return { workers, state: STEADY };
  }
  return { workers: view.workers, state };
}

/** What one reading alone would ask for. */
function read({ workers, ready, utilization, serving }: ScalingView, now: number, { min, max }: ScalingLimits): ScalingState {
  // Those that are still starting are the answer to the last reading.
  const isBusy = serving && ready >= workers && utilization >= BUSY * ready;
  if (isBusy && workers < max) return { mood: 'busy', since: now, workers: Math.min(max, Math.ceil(utilization / AIM)) };
  const enough = Math.max(min, Math.ceil(utilization / CALM));
  return enough < workers ? { mood: 'calm', since: now, workers: enough } : STEADY;
}

/** Readings that agree count from the first of them; of their numbers the most careful one stands. */
function follow(before: ScalingState, reading: ScalingState): ScalingState {
  if (before.mood === 'steady' || reading.mood !== before.mood) return reading;
  const careful = reading.mood === 'busy' ? Math.min : Math.max;
  return { mood: reading.mood, since: before.since, workers: careful(before.workers, reading.workers) };
}
