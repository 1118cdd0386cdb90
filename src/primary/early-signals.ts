/** Runs in the process that becomes the primary, until that catches signals itself (src/primary/signals.ts). */
import { constants } from 'node:os';

/** As shells say it of a process that a signal has ended. */
const SIGNAL_BASE = 128;

/**
 * Lets a stop end the process while it still reads its config. For PID 1, as in a container, a signal does nothing that
 * nobody catches; every other process the system ends by itself.
 * @returns what takes this back
 */
export function endByEarlySignals(pid: number): () => void {
  if (pid !== 1) return () => undefined;
  const end = (signal: NodeJS.Signals): void => process.exit(SIGNAL_BASE + constants.signals[signal]);
  const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
  for (const signal of signals) process.on(signal, end);
  return () => {
    for (const signal of signals) process.off(signal, end);
  };
}
