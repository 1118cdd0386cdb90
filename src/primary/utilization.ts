/** Runs in the primary. How busy a worker's event loop is, from what it said last, or from its silence. */
import type { WorkerHandle } from './worker-handle.js';

/** A worker without a heartbeat for this long, in milliseconds, is taken for fully busy. */
const MUTE_AFTER = 5000;

/** @param now milliseconds on the steady clock */
export function isMute({ lastSign, inspection }: Pick<WorkerHandle, 'lastSign' | 'inspection'>, now: number): boolean {
  return now - lastSign > MUTE_AFTER && inspection === null;
}

/** 0..1. @param now milliseconds on the steady clock */
export function utilizationOf(worker: Pick<WorkerHandle, 'load' | 'lastSign' | 'inspection'>, now: number): number {
  return isMute(worker, now) ? 1 : (worker.load?.eventLoopUtilization ?? 0);
}
