/** Runs in the primary. Why a daemon cannot be replaced just now; pure. */
import type { Phase } from '../phases.js';

export interface Busyness {
  readonly phase: Phase;
  /** A stop is to come. */
  readonly isLeaving: boolean;
  /** A reload goes on. */
  readonly isReloading: boolean;
}

/** Null when nothing else goes on. */
export function whyBusy({ phase, isLeaving, isReloading }: Busyness): string | null {
  if (phase === 'stopping' || isLeaving) return 'The daemon stops';
  if (phase === 'booting') return 'The daemon has not started yet';
  return isReloading ? 'A reload is going on' : null;
}
