/** Runs in routers and workers. Answers that need no worker: whole calls in one header block ("Trailers-Only"). */
import { BlockWriter } from '../http2/hpack/encoder.js';

/** Of gRPC (google.rpc.Code). */
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;

/** @param message plain ASCII without percent signs: what needs no encoding in grpc-message */
function trailersOnly(code: number, message: string): Buffer {
  const writer = new BlockWriter();
  writer.add(':status', '200');
  writer.add('content-type', 'application/grpc');
  return addStatus(writer, code, message);
}

function addStatus(writer: BlockWriter, code: number, message: string): Buffer {
  writer.add('grpc-status', String(code));
  writer.add('grpc-message', message);
  return writer.take();
}

/** @param limit in bytes */
export function metadataTooLarge(limit: number): Buffer {
  return trailersOnly(RESOURCE_EXHAUSTED, `The metadata of the call is larger than ${limit} bytes.`);
}

/** What a call gets that is one too many for maximumConcurrentRpcs. */
export const OVER_CALL_LIMIT = trailersOnly(RESOURCE_EXHAUSTED, 'Concurrent RPC limit exceeded!');

/** @param reason plain ASCII without percent signs */
export function unavailable(reason: string): Buffer {
  return trailersOnly(UNAVAILABLE, reason);
}

/** The same for a call whose answer has begun. @param reason plain ASCII without percent signs */
export function unavailableTrailers(reason: string): Buffer {
  return addStatus(new BlockWriter(), UNAVAILABLE, reason);
}
