/** Runs in routers and workers. Answers that need no worker: whole calls in one header block ("Trailers-Only"). */
import { BlockWriter } from '../http2/hpack/encoder.js';

/** Of gRPC (google.rpc.Code). */
const RESOURCE_EXHAUSTED = 8;

/** @param message plain ASCII without percent signs: what needs no encoding in grpc-message */
function trailersOnly(code: number, message: string): Buffer {
  const writer = new BlockWriter();
  writer.add(':status', '200');
  writer.add('content-type', 'application/grpc');
  writer.add('grpc-status', String(code));
  writer.add('grpc-message', message);
  return writer.take();
}

/** @param limit in bytes */
export function metadataTooLarge(limit: number): Buffer {
  return trailersOnly(RESOURCE_EXHAUSTED, `The metadata of the call is larger than ${limit} bytes.`);
}
