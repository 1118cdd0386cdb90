/** Runs in a worker. Tells of calls of methods that the server has not; no interceptor sees those. */
import type { OpenStream } from './adapter.js';
import type { RequestHeaders } from './request-headers.js';

export interface UnknownCalls {
  /** Whether the server has a method of that path. */
  readonly isKnown: (path: string) => boolean;
  /** One of another path was answered. */
  readonly onUnknown: () => void;
}

/** Opens streams as `open` does, and tells. */
export function tellUnknown(open: OpenStream, { isKnown, onUnknown }: UnknownCalls): OpenStream {
  return (stream, headers) => {
    open(stream, headers);
    // grpc-js answers these at once, and hardly any others.
    if (stream.closed && isGrpc(headers) && !isKnown(String(headers[':path']))) onUnknown();
  };
}

const isGrpc = ({ 'content-type': type }: RequestHeaders): boolean => typeof type === 'string' && type.startsWith('application/grpc');
