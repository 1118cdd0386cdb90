/** Runs in a worker: what is said of a handler or an interceptor that failed; the log is the other half. */
import { inspect } from 'node:util';
import { status } from '@grpc/grpc-js';

/** The fields of the event `call.fault`. */
export interface CallFault {
  readonly method: string;
  readonly peer: string;
  /** A stack, or an explanation of what to do. */
  readonly error: string;
  /** Name of the status that the client got. */
  readonly code: string;
}

export type ReportFault = (fault: CallFault) => void;

/** The stack of an error, its causes included, and a readable form of anything else that was thrown. */
export function explain(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 4, maxStringLength: 8192, breakLength: 110 });
  } catch {
    return 'a value that cannot be shown was thrown';
  }
}

export function codeName(code: number): string {
  return status[code] ?? String(code);
}
