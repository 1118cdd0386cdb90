/** Runs in a worker: what the ways in which handlers end mean. */
import { systemCode } from '../../shared/errors.js';
import type { ActiveCall } from './active-call.js';

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** What is reported of a call that was given up without a reason. */
export const DESTROYED = 'The call was destroyed before it was answered: end it, call back, or throw the status.';

/** What was thrown, and words for it when that was nothing. */
export function reasonOf(thrown: unknown): unknown {
  return thrown ?? `The handler threw, rejected or failed with ${String(thrown)}.`;
}

/** What node destroys a stream with when a `for await` loop over it is left early. */
export function isLeftLoop(error: unknown): boolean {
  return systemCode(error) === 'ABORT_ERR';
}

const AFTERMATH_CODES = new Set<unknown>(['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED']);

/** True for what a handler meets when its client has gone away: not its fault, and nothing to report. */
export function isAftermath(error: unknown, call: ActiveCall): boolean {
  if (!call.isOver || !(error instanceof Error)) return false;
  // Of node's streams and of AbortSignal alike, whose codes differ.
  return error.name === 'AbortError' || AFTERMATH_CODES.has(systemCode(error));
}
