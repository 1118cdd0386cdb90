/** Runs in the primary. How a worker ended, or fails, in words. */
import type { DrainedWorker } from '../control/definition.js';
import type { CallSummary } from '../ipc/messages.js';
import { DaemonError } from '../shared/errors.js';
import type { WorkerHandle } from './worker-handle.js';

/** How a worker ended that had not said why. */
export function describeExit(handle: WorkerHandle, exitCode: number | null, signal: string | null): DaemonError {
  const how = signal === null ? `exit code ${String(exitCode)}` : `signal ${signal}`;
  const when = handle.readyAt === null ? ' before it was ready' : '';
  const detail = handle.lastLines.join('\n');
  return new DaemonError('E_WORKER_BOOT', `Worker ${handle.slot} ended with ${how}${when}`, detail === '' ? {} : { detail });
}

/** What a worker has missed its deadline by. */
export function describeLate(handle: WorkerHandle): DaemonError {
  const what = handle.readyAt === null ? 'was not ready within startTimeout' : 'stopped answering';
  return new DaemonError('E_WORKER_BOOT', `Worker ${handle.slot} of generation ${handle.generation} ${what}`, {
    hint: 'Look for a servicer that blocks or never settles, or raise startTimeout.',
  });
}

/** What became of the calls of a worker that a reload asked to leave. @param tookMs from then to its exit */
export function describeDrain(handle: WorkerHandle, tookMs: number): DrainedWorker {
  const { slot, generation, drained, load } = handle;
  // A worker that had to be killed cannot say what it was doing; its last heartbeat can.
  const lost: readonly CallSummary[] = load?.oldestCall == null ? [] : [load.oldestCall];
  return { slot, generation, tookMs: Math.round(tookMs), finished: drained?.finished ?? 0, cut: drained?.cut ?? lost };
}
