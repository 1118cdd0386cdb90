/** Runs in a worker. What DATA the client may not send on a stream (session.ts). */
import { ERROR_CODE } from '../../../http2/constants.js';
import type { LeanStream } from './lean-stream.js';

/** The code to reset a stream with that may not be given that many bytes of DATA; null when it may. */
export function findViolation(stream: LeanStream, size: number): number | null {
  // RFC 9113 section 5.1, half-closed (remote).
  if (stream.clientHalf === 'ended') return ERROR_CODE.STREAM_CLOSED;
  stream.receivable -= size;
  // Section 6.9.1.
  if (stream.receivable < 0) return ERROR_CODE.FLOW_CONTROL_ERROR;
  if (stream.expected === -1) return null;
  // Section 8.1.1: the sum of the DATA is what content-length says.
  stream.expected -= size;
  return stream.expected < 0 ? ERROR_CODE.PROTOCOL_ERROR : null;
}
