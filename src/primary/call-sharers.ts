/**
 * Runs in the primary. How many slots share the cap on calls: all up to the highest that has a worker with calls. A
 * slot that is still booting takes nothing from the others, and one that drains keeps its share to the end, so the
 * shares of those that exist sum to the cap. (A slot that is being handed from one worker to the next counts once.)
 * Pure.
 */
import type { WorkerView } from './reconcile.js';

export function countSharers(fleet: readonly Pick<WorkerView, 'slot' | 'state'>[]): number {
  return fleet.reduce((most, { slot, state }) => (state === 'ready' || state === 'draining' ? Math.max(most, slot + 1) : most), 0);
}
