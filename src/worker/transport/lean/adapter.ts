/**
 * Runs in a worker. The one place that knows how a stream gets into grpc-js's Server, which has no door for it. Server
 * makes an http2.Server for each connection injector and listens to its `stream` event (build/src/server.js, 1.14:
 * createConnectionInjector, _setupHandlers). That server is caught while it is made, and its listener taken: it never
 * gets a connection, and grpc-js never a session.
 */
import { experimental, ServerCredentials, type Server, type ServerInterceptor } from '@grpc/grpc-js';
import { DaemonError } from '../../../shared/errors.js';
import { catchServers } from '../catch-servers.js';
import type { LeanStream } from './lean-stream.js';
import type { RequestHeaders } from './request-headers.js';

export type OpenStream = (stream: LeanStream, headers: RequestHeaders) => void;

/**
 * @param interceptors outermost first; for every call that comes in here
 * @throws DaemonError E_WORKER_BOOT when this grpc-js is made otherwise
 */
export function createLeanServer(server: Server, interceptors: readonly ServerInterceptor[]): OpenStream {
  const insecure = ServerCredentials.createInsecure();
  const credentials =
    interceptors.length === 0 ? insecure : experimental.createServerCredentialsWithInterceptors(insecure, [...interceptors]);
  const made = catchServers(() => server.createConnectionInjector(credentials));
  const [inner] = made;
  const listeners = inner?.listeners('stream') ?? [];
  const [open] = listeners;
  if (made.length !== 1 || listeners.length !== 1 || open === undefined) {
    throw new DaemonError(
      'E_WORKER_BOOT',
      `This @grpc/grpc-js cannot be fed without node:http2: it made ${made.length} servers with ${listeners.length} listeners, not one with one.`,
      { hint: 'Install the @grpc/grpc-js that grpcserverd asks for (~1.14), or set transport: http2.' },
    );
  }
  // Node declares every listener as Function; this one is given what node:http2 gives to `stream`.
  return open as OpenStream;
}
