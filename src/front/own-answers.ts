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

export const METADATA_TOO_LARGE = trailersOnly(RESOURCE_EXHAUSTED, 'Metadata larger than maxMetadataSize');
