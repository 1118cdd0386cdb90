/** Runs in a worker: which status a client gets, and in which form it can be sent. */
import { status } from '@grpc/grpc-js';
import { explain } from './call-fault.js';
import { findMetadataFault } from './metadata-check.js';
import type { CallStatus } from './forwarding-call.js';

/** What a client is told of a failure whose details are for the log alone. */
export const INTERNAL_ERROR: CallStatus = { code: status.INTERNAL, details: 'Internal error', metadata: null };

/** Most bytes of details, in UTF-8; they are a hint for people, and many clients take 8 KiB of trailers in all. */
const DETAILS_LIMIT = 2048;
const CUT_MARK = '…';

/**
 * True for what a handler may answer with instead of a message: an object with an integer `code` from 1 to 16,
 * such as a StatusObject or a ServiceError.
 */
export function isStatusError(error: unknown): error is CallStatus & { readonly message: string } {
  if (typeof error !== 'object' || error === null) return false;
  const { code } = error as { code?: unknown };
  return Number.isInteger(code) && (code as number) >= 1 && (code as number) <= 16;
}

/** The status of a handler that ended with `error`: its own if it is one, and INTERNAL if not. */
export function statusOf(error: unknown): CallStatus {
  if (!isStatusError(error)) return INTERNAL_ERROR;
  // What the fields really hold is checked by fitStatus, on the way to the wire.
  const { code, details, message, metadata } = error;
  return { code, details: typeof details === 'string' ? details : message, metadata };
}

/** By far the most common status, and fit. */
export function isPlainOk(candidate: CallStatus | null | undefined): boolean {
  if (candidate?.code !== status.OK || candidate.details !== 'OK') return false;
  return candidate.metadata === null || candidate.metadata === undefined;
}

/**
 * The status in a form that can be sent. grpc-js throws at a lone surrogate and at trailers that are no Metadata
 * only when it writes them, where the process would end. What was wrong is added to `faults`.
 */
export function fitStatus(given: CallStatus, faults: string[]): CallStatus {
  // No compiler has checked what users' handlers and interceptors give.
  const candidate: unknown = given;
  if (typeof candidate !== 'object' || candidate === null) {
    faults.push(`sendStatus was given ${explain(candidate)} instead of a status.`);
    return INTERNAL_ERROR;
  }
  const { code, details, metadata } = candidate as { readonly [Field in keyof CallStatus]: unknown };
  return { code: fitCode(code, faults), details: fitDetails(details), metadata: fitTrailers(metadata, faults) };
}

/** A number that no client knows is UNKNOWN to it anyway (gRPC's statuscodes.md); what is no number is a mistake. */
function fitCode(code: unknown, faults: string[]): CallStatus['code'] {
  if (isCode(code)) return code;
  faults.push(`${explain(code)} is no status code: codes are integers from 0 to 16.`);
  return Number.isInteger(code) ? status.UNKNOWN : status.INTERNAL;
}

function isCode(code: unknown): code is CallStatus['code'] {
  return Number.isInteger(code) && (code as number) >= 0 && (code as number) <= 16;
}

/** Well-formed, and cut between two characters. */
function fitDetails(details: unknown): string {
  if (typeof details !== 'string') return '';
  const bytes = Buffer.from(details);
  if (bytes.length <= DETAILS_LIMIT) return bytes.toString();
  let end = DETAILS_LIMIT - Buffer.byteLength(CUT_MARK);
  // 10xxxxxx goes on with a character (RFC 3629, 3).
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end) + CUT_MARK;
}

function fitTrailers(metadata: unknown, faults: string[]): CallStatus['metadata'] {
  const fault = findMetadataFault(metadata);
  if (fault === null) return metadata as CallStatus['metadata'];
  faults.push(`The trailers were left out: ${fault}.`);
  return null;
}
