/**
 * Runs in the primary. Compares what is wanted with what is there and returns what to do: the same function for
 * boot, crash, recycling, scaling, reload and stop. Pure: it forks nothing and knows no clock but `limits.now`.
 */
import type { WorkerState } from './worker-state.js';

export interface Goal {
  readonly workers: number;
  readonly generation: number;
}

export interface WorkerView {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  readonly state: WorkerState;
  /** When it became ready; null if it has not. */
  readonly readyAt: number | null;
  /** It shall be replaced although its generation is right; the reason. */
  readonly recycle: string | null;
}

export interface ReconcileLimits {
  readonly now: number;
  /** Workers above the goal that may exist while stale ones are replaced. */
  readonly surge: number;
  /** How long a worker must have been ready before the one that it replaces leaves. */
  readonly probation: number;
  /** When a slot may fork again. */
  readonly retryAt: (slot: number) => number;
  /** Whether workers of that generation may stay. */
  readonly accepts: (generation: number) => boolean;
  /** The newest generation has not proven itself yet: one worker of it, and no more. */
  readonly isCanary: boolean;
  /** Workers of other generations leave only when every slot has its new worker ready. */
  readonly together: boolean;
}

export type Action =
  | { readonly type: 'fork'; readonly slot: number; readonly cause: string }
  | { readonly type: 'drain'; readonly id: number; readonly cause: string };

/** What is in a slot that is wanted. */
interface Place {
  readonly slot: number;
  /** The first worker that may stay. */
  fresh: WorkerView | undefined;
  /** Those that are to be replaced. */
  readonly stale: WorkerView[];
}

export function reconcile(goal: Goal, fleet: readonly WorkerView[], limits: ReconcileLimits): Action[] {
  const actions: Action[] = [];
  const places = Array.from({ length: goal.workers }, (_, slot): Place => ({ slot, fresh: undefined, stale: [] }));
  let wanted = 0;
  let fresh = 0;
  for (const worker of fleet) {
    if (worker.state !== 'starting' && worker.state !== 'ready') continue;
    const place = places[worker.slot];
    if (place === undefined) {
      actions.push({ type: 'drain', id: worker.id, cause: goal.workers === 0 ? 'stop' : 'scale' });
      continue;
    }
    wanted += 1;
    if (!limits.accepts(worker.generation) || worker.recycle !== null) {
      place.stale.push(worker);
    } else {
      fresh += 1;
      place.fresh ??= worker;
    }
  }

  const room = goal.workers + limits.surge - wanted;
  forkInto(places, limits.isCanary ? Math.min(room, 1 - fresh) : room, limits, actions);
  dismissFrom(places, limits, actions);
  return actions;
}

/** @param most how many workers may be added */
function forkInto(places: readonly Place[], most: number, { now, retryAt }: ReconcileLimits, actions: Action[]): void {
  // Slots without any worker come first: they are short of the goal, the others only of the newest.
  const unfilled = places.filter((place) => place.fresh === undefined).sort((a, b) => a.stale.length - b.stale.length);
  let left = most;
  for (const { slot, stale } of unfilled) {
    if (left <= 0) return;
    if (retryAt(slot) > now) continue;
    actions.push({ type: 'fork', slot, cause: stale[0] === undefined ? 'missing' : (stale[0].recycle ?? 'reload') });
    left -= 1;
  }
}

function dismissFrom(places: readonly Place[], limits: ReconcileLimits, actions: Action[]): void {
  const isComplete = places.every(({ fresh }) => isProven(fresh, limits));
  for (const { fresh, stale } of places) {
    for (const worker of stale) {
      // Nothing that serves leaves before what replaces it serves, and has not died of it at once.
      const waitsForAll = limits.together && !limits.accepts(worker.generation);
      const isReplaced = waitsForAll ? isComplete : isProven(fresh, limits);
      if (isReplaced || worker.state === 'starting') {
        actions.push({ type: 'drain', id: worker.id, cause: worker.recycle ?? 'reload' });
      }
    }
  }
}

export function isProven(worker: WorkerView | undefined, { now, probation }: Pick<ReconcileLimits, 'now' | 'probation'>): boolean {
  return worker?.state === 'ready' && worker.readyAt !== null && now >= worker.readyAt + probation;
}
