/** Runs in the primary. When the replacement of a crashed worker may be forked; pure, one budget a slot. */

/** The first crash is repaired at once; then the wait doubles from FIRST_WAIT to LONGEST_WAIT, in milliseconds. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
/** Spread of the waits, so that slots that crash together do not come back together. */
const JITTER = 0.2;
/** A worker that was ready this long, in milliseconds, has earned its slot a clean sheet. */
const HEALTHY_AFTER = 60_000;

export interface CrashBudget {
  /** Crashes in a row. */
  readonly crashes: number;
  /** The next fork is allowed from here on. */
  readonly retryAt: number;
}

export const CLEAN_BUDGET: CrashBudget = { crashes: 0, retryAt: -Infinity };

/**
 * The budget after one more crash.
 * @param readyFor how long the worker had been ready, in milliseconds; 0 if never
 * @param random a number in 0..1
 */
export function afterCrash(budget: CrashBudget, now: number, readyFor: number, random: number): CrashBudget {
  const crashes = (readyFor >= HEALTHY_AFTER ? 0 : budget.crashes) + 1;
  if (crashes === 1) return { crashes, retryAt: now };
  const wait = Math.min(FIRST_WAIT * 2 ** (crashes - 2), LONGEST_WAIT);
  return { crashes, retryAt: now + wait * (1 + JITTER * (2 * random - 1)) };
}
