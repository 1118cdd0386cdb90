/** How an error for people crosses the control API whole: its text as details, and all of it in a trailer. */
import { Metadata, status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { DaemonError, type ErrorData } from '../shared/errors.js';

/** Trailer that holds the error as JSON. */
const TRAILER = 'grpcserverd-error-bin';

/** The status with which the daemon refuses an order. */
export function toRefusal(error: DaemonError): StatusObject {
  const metadata = new Metadata();
  metadata.set(TRAILER, Buffer.from(JSON.stringify(error.toData())));
  return { code: status.FAILED_PRECONDITION, details: error.message, metadata };
}

/** The error that a refusal carries; undefined for any other status. */
export function fromRefusal({ metadata }: ServiceError): DaemonError | undefined {
  const [data] = metadata.get(TRAILER);
  // Only toRefusal sets it.
  return Buffer.isBuffer(data) ? DaemonError.fromData(JSON.parse(data.toString()) as ErrorData) : undefined;
}
