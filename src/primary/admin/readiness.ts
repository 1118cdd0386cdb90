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
  /** Routers that are ready; null when connections come to workers. */
  readonly routers: number | null;
}

export interface Readiness {
  readonly isReady: boolean;
  /** In words. */
  readonly text: string;
}

export function describeReadiness({ phase, isLeaving, ready, wanted, minReadyWorkers, routers }: ReadinessFacts): Readiness {
  if (phase === 'stopping' || isLeaving) return { isReady: false, text: 'stopping' };
  // Scaled down by hand, a fleet cannot have more than it shall.
  const least = Math.min(minReadyWorkers, wanted);
  const isReady = ready >= least && routers !== 0;
  const noRouter = routers === 0 ? ', and no router is' : '';
  return { isReady, text: `${isReady ? 'ready' : phase === 'booting' ? 'starting' : 'not ready'}: ${ready} of ${wanted} workers are ready, ${least} must be${noRouter}` };
}
