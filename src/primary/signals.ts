/** Runs in the primary. What each signal asks for; workers ignore INT and HUP (src/worker/main.ts). */
import type { Clock } from '../shared/clock.js';

/** npm and terminals send the same signal twice at once: only a later one is meant as impatience; milliseconds. */
const SECOND_SIGNAL_AFTER = 500;

export interface SignalTarget {
  stop(cause: string, quick: boolean): void;
  /** @param sameConfig restart the workers with the settings that count now */
  reload(cause: string, sameConfig: boolean): void;
  /** One worker more or fewer. */
  scaleBy(difference: number): void;
}

/** Installs the handlers; the function returned removes them. */
export function handleSignals(target: SignalTarget, clock: Clock): () => void {
  let firstStop = Infinity;
  const graceful = (signal: string): void => {
    const now = clock.monotonic();
    const impatient = now - firstStop >= SECOND_SIGNAL_AFTER;
    firstStop = Math.min(firstStop, now);
    target.stop(signal, impatient);
  };
  const quick = (signal: string): void => target.stop(signal, true);
  const table: Partial<Record<NodeJS.Signals, (signal: string) => void>> = {
    SIGTERM: graceful,
    SIGINT: graceful,
    SIGQUIT: quick,
    SIGHUP: (signal) => target.reload(signal, false),
    SIGUSR2: (signal) => target.reload(signal, true),
    SIGTTIN: () => target.scaleBy(1),
    SIGTTOU: () => target.scaleBy(-1),
  };
  const entries = Object.entries(table) as [NodeJS.Signals, (signal: string) => void][];
  for (const [signal, handler] of entries) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of entries) process.off(signal, handler);
  };
}
