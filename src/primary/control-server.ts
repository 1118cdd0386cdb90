/**
 * Runs in the primary. Serves the control API on a unix socket that only this user can open; each method is one
 * question or one order to the supervisor and holds no logic. The other half is src/cli/control-client.ts.
 */
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { controlService, type Status } from '../control/definition.js';
import { DaemonError, toError } from '../shared/errors.js';

export interface ControlHandlers {
  status(): Status;
  stop(quick: boolean): void;
}

export interface ControlServer {
  close(): void;
}

/** @throws DaemonError E_RUNTIME_DIR when the socket cannot be made. */
export async function serveControl(path: string, handlers: ControlHandlers): Promise<ControlServer> {
  const grpc = new Server({ 'grpc.enable_channelz': 0 });
  const getStatus: handleUnaryCall<object, Status> = (_call, callback) => callback(null, handlers.status());
  const stop: handleUnaryCall<{ quick: boolean }, { pid: number }> = (call, callback) => {
    callback(null, { pid: process.pid });
    // After the answer, because a stop closes this socket.
    setImmediate(() => handlers.stop(call.request.quick));
  };
  grpc.addService(controlService().service, { getStatus, stop });
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<import('node:net').Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    injector.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  }).catch((error: unknown) => {
    throw new DaemonError('E_RUNTIME_DIR', `Cannot make the control socket ${path}: ${toError(error).message}`, { cause: error });
  });
  chmodSync(path, 0o600);
  server.on('error', () => undefined);
  return {
    close() {
      server.close();
      injector.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}
