/** Runs in the primary. Whether new calls shall come here, as /readyz says it; pure. */
import type { Phase } from '../phases.js';

export interface ReadinessFacts {
  readonly phase: Phase;
  /** A stop is to come. */
  readonly isLeaving: boolean;
  /** Workers that are ready, and that there shall be. */
  readonly ready: number;
  readonly wanted: number;
  readonly minReadyWorkers: number;
}

export interface Readiness {
  readonly isReady: boolean;
  /** In words. */
  readonly text: string;
}

export function describeReadiness({ phase, isLeaving, ready, wanted, minReadyWorkers }: ReadinessFacts): Readiness {
  if (phase === 'stopping' || isLeaving) return { isReady: false, text: 'stopping' };
  // Scaled down by hand, a fleet cannot have more than it shall.
  const least = Math.min(minReadyWorkers, wanted);
  const isReady = ready >= least;
  return { isReady, text: `${isReady ? 'ready' : phase === 'booting' ? 'starting' : 'not ready'}: ${ready} of ${wanted} workers are ready, ${least} must be` };
}
