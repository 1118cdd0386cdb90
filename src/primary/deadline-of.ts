/** Runs in the primary. How long a worker may stay in its state; pure. */
import type { WorkerState } from './worker-state.js';

export interface DeadlineLimits {
  /** All in milliseconds. */
  readonly startTimeout: number;
  readonly hangTimeout: number;
  /** The longest a drain may take, the worker's own last resorts included. */
  readonly drainTimeout: number;
}

export interface DeadlineTimes {
  /** When the process was forked. */
  readonly forkedAt: number;
  /** When it last gave a sign of life. */
  readonly lastSign: number;
  /** Until when silence is no sign of a hang: a debugger holds it, or it writes its heap; -Infinity otherwise. */
  readonly excusedUntil: number;
  /** When it was told to drain, or was killed last. */
  readonly leavingSince: number;
}

/** A worker this far into its hangTimeout without a sign of life gets no new connections. */
const SILENT_SHARE = 0.75;

/** How often a SIGKILL is repeated when no exit is seen (a process in uninterruptible sleep), in milliseconds. */
export const KILL_AGAIN = 5000;

/** The moment by which something must have happened to the worker; Infinity once it is gone. */
export function deadlineOf(state: WorkerState, killed: boolean, times: DeadlineTimes, limits: DeadlineLimits): number {
  const silentSince = Math.max(times.lastSign, times.excusedUntil);
  switch (state) {
    case 'starting':
      return times.forkedAt + limits.startTimeout;
    case 'ready':
      return silentSince + limits.hangTimeout * SILENT_SHARE;
    case 'draining':
      if (killed) return times.leavingSince + KILL_AGAIN;
      return Math.min(times.leavingSince + limits.drainTimeout, silentSince + limits.hangTimeout);
    case 'gone':
      return Infinity;
  }
}
