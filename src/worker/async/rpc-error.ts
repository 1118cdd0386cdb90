/** Runs in workers and in users' tests: the error with which a handler ends its call. */
import { Metadata, status } from '@grpc/grpc-js';
import { isStatusError } from '../calls/status.js';
import { encodeStatus, STATUS_DETAILS, type ErrorDetail } from './error-details.js';

/** The name of a status other than OK. */
export type StatusName = Exclude<keyof typeof status, 'OK'>;

export interface RpcErrorOptions {
  /**
   * Typed details, which clients in every language can read (google.rpc.Status in `grpc-status-details-bin`). Many
   * clients take 8 KiB of trailers in all.
   */
  readonly details?: readonly ErrorDetail[];
  /** Trailers that go with the status. */
  readonly metadata?: Metadata;
  /** For the reader of a stack; clients are not told. */
  readonly cause?: unknown;
}

/**
 * A status for the client: throw it from a handler of `asyncHandlers`, or give it to the callback of a plain one.
 * Anything else that a handler throws ends its call with INTERNAL, and its text is for the log alone.
 */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: status;
  /** What clients are told; grpc-js's word for `message`. */
  readonly details: string;
  readonly metadata: Metadata;

  /**
   * @param code `'NOT_FOUND'` or `status.NOT_FOUND`
   * @param message what clients are told
   * @throws TypeError when the code is OK or none at all, or a detail is none
   */
  constructor(code: StatusName | status, message: string, { details = [], metadata = new Metadata(), cause }: RpcErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = codeOf(code);
    this.details = message;
    this.metadata = metadata.clone();
    if (details.length > 0) this.metadata.set(STATUS_DETAILS, encodeStatus(this.code, message, details));
  }
}

function codeOf(given: StatusName | status): status {
  // JavaScript can give anything.
  const code: unknown = typeof given === 'string' ? status[given] : given;
  if (isStatusError({ code })) return code as status;
  throw new TypeError(`An RpcError needs a status other than OK, such as 'NOT_FOUND' or status.NOT_FOUND; got ${String(given)}.`);
}
