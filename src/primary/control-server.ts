/**
 * Runs in the primary. Serves the control API on a unix socket that only this user can open; each method is one
 * question or one order and holds no logic. The other half is src/cli/control-client.ts.
 */
import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { Server, ServerCredentials, type handleServerStreamingCall, type handleUnaryCall } from '@grpc/grpc-js';
import type { Config } from '../config/options.js';
import { controlService, type InspectOrder, type InspectResult, type ReloadProgress, type ReloadReport, type Status, type UpgradeOrder, type UpgradeProgress, type UpgradeReport } from '../control/definition.js';
import { toRefusal } from '../control/refusal.js';
import { DaemonError, toError } from '../shared/errors.js';
import type { Watchers } from './watchers.js';

type LogLevel = Config['log']['level'];

/** Of `Watch` when the client names none, and the shortest; in milliseconds. */
const WATCH_INTERVAL = 1000;
const SHORTEST_INTERVAL = 100;

const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export interface ControlHandlers {
  readonly watchers: Watchers;
  readonly status: () => Status;
  /** Brings up to date what `status` only remembers. Never rejects. */
  readonly look: () => Promise<void>;
  /** Never rejects. */
  readonly reload: (sameConfig: boolean) => Promise<ReloadReport>;
  /** How many workers there shall be. */
  readonly workers: () => number;
  /** 0 goes back to the config; returns how many there shall be now. */
  readonly scale: (workers: number) => number;
  readonly setLogLevel: (level: LogLevel) => void;
  /** Rejects with a DaemonError that says why not. */
  readonly inspect: (order: InspectOrder) => Promise<InspectResult>;
  /** Never rejects. @param told resolves when whoever asked has the report, or has gone */
  readonly upgrade: (order: UpgradeOrder, tell: (progress: UpgradeProgress) => void, told: Promise<void>) => Promise<UpgradeReport>;
  readonly stop: (quick: boolean) => void;
}

export interface ControlServer {
  close(): void;
}

type UpgradeEvent = { readonly progress: UpgradeProgress } | { readonly report: UpgradeReport };
type ReloadEvent = { readonly progress: ReloadProgress } | { readonly report: ReloadReport };

/** @param path of the socket, which is removed at the end @throws DaemonError E_RUNTIME_DIR when it cannot be made. */
export async function serveControl(path: string, handlers: ControlHandlers): Promise<ControlServer> {
  const grpc = new Server({ 'grpc.enable_channelz': 0 });
  grpc.addService(controlService().service, implement(handlers));
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
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
      for (const socket of sockets) socket.destroySoon();
    },
  };
}

function implement(handlers: ControlHandlers) {
  const getStatus: handleUnaryCall<object, Status> = (_call, callback) => {
    void handlers.look().then(() => callback(null, handlers.status()));
  };

  const watch: handleServerStreamingCall<{ intervalMs: number }, Status> = (call) => {
    const send = (): void => {
      void handlers.look();
      // A watcher that does not read gets the newest when it does.
      if (call.writableLength === 0) call.write(handlers.status());
    };
    send();
    const interval = setInterval(send, Math.max(SHORTEST_INTERVAL, call.request.intervalMs || WATCH_INTERVAL));
    const unwatch = handlers.watchers.add(send);
    call.once('cancelled', () => {
      clearInterval(interval);
      unwatch();
    });
  };

  const reload: handleServerStreamingCall<{ sameConfig: boolean }, ReloadEvent> = (call) => {
    const tell = (): void => {
      const { reload: progress } = handlers.status();
      if (progress !== null) call.write({ progress });
    };
    const unwatch = handlers.watchers.add(tell);
    void handlers.reload(call.request.sameConfig).then((report) => {
      unwatch();
      call.write({ report });
      call.end();
    });
    tell();
    call.once('cancelled', unwatch);
  };

  const scale: handleUnaryCall<{ workers: number }, { before: number; after: number }> = (call, callback) => {
    const before = handlers.workers();
    callback(null, { before, after: handlers.scale(call.request.workers) });
  };

  const setLogLevel: handleUnaryCall<{ level: string }, object> = (call, callback) => {
    const level = LOG_LEVELS.find((name) => name === call.request.level);
    if (level === undefined) {
      callback(toRefusal(new DaemonError('E_USAGE', `"${call.request.level}" is no log level`, { hint: `These are: ${LOG_LEVELS.join(', ')}.` })));
      return;
    }
    handlers.setLogLevel(level);
    callback(null, {});
  };

  const inspect: handleUnaryCall<InspectOrder, InspectResult> = (call, callback) => {
    handlers.inspect(call.request).then(
      (result) => callback(null, result),
      (error: unknown) => callback(toRefusal(DaemonError.from(error))),
    );
  };

  const upgrade: handleServerStreamingCall<UpgradeOrder, UpgradeEvent> = (call) => {
    // Emitted at the end of every call.
    const told = new Promise<void>((resolve) => call.once('cancelled', resolve));
    void handlers.upgrade(call.request, (progress) => call.write({ progress }), told).then((report) => {
      call.write({ report });
      call.end();
    });
  };

  const stop: handleUnaryCall<{ quick: boolean }, { pid: number }> = (call, callback) => {
    callback(null, { pid: process.pid });
    // After the answer, because a stop closes this socket.
    setImmediate(() => handlers.stop(call.request.quick));
  };

  return { getStatus, watch, reload, scale, setLogLevel, inspect, upgrade, stop };
}
