/**
 * Runs in workers, and in users' tests (src/testing/): everything between a client's socket and the servicers. What
 * makes a process of it, its talk with the primary included, is running-worker.ts.
 */
import type { ServerInterceptor } from '@grpc/grpc-js';
import type { TlsMaterial } from '../config/certificates.js';
import type { SignatureData } from '../config/signature-data.js';
import { Intake, type IntakeOptions } from '../front/intake.js';
import { systemClock } from '../shared/clock.js';
import type { DaemonLogger } from '../shared/logger.js';
import { buildServer, type BuildOptions, type BuiltServer } from './build-server.js';
import type { ActiveCall } from './calls/active-call.js';
import { AccessLog } from './calls/access-log.js';
import { assembleInterceptors } from './calls/assemble-interceptors.js';
import { CallLimit } from './calls/call-limit.js';
import { CallRegistry } from './calls/call-registry.js';
import { CallTally } from './calls/call-tally.js';
import { FaultLog } from './calls/fault-log.js';
import { guardHandler } from './calls/guard.js';
import { SignatureCheck } from './calls/signature.js';
import { ShutdownHooks } from './shutdown-hooks.js';
import { Http2Transport } from './transport/http2-transport.js';
import { LeanTransport, type LeanTransportOptions } from './transport/lean-transport.js';
import type { Transport } from './transport/transport.js';

export interface ServingOptions extends Pick<IntakeOptions, 'onTaken' | 'onLost' | 'onClosed' | 'onLimit'>, Pick<BuildOptions, 'config' | 'modules' | 'startedAt'> {
  readonly slot: number;
  readonly generation: number;
  readonly callLimit: number | null;
  readonly tls: Pick<TlsMaterial, 'pem'> | null;
  readonly ticketKeys: Buffer;
  /** What calls are checked against; null: nothing. */
  readonly signature: SignatureData | null;
  readonly logger: DaemonLogger;
  readonly onCallEnded: (call: ActiveCall, code: number, ms: number) => void;
}

export interface Serving extends Pick<BuiltServer, 'server' | 'services' | 'health' | 'loadReports'> {
  readonly calls: CallRegistry;
  readonly tally: CallTally;
  readonly faults: FaultLog;
  /** Null: no cap. */
  readonly callCap: CallLimit | null;
  /** Null: calls need no signature. */
  readonly signatureCheck: SignatureCheck | null;
  /** All of them, next to the wire first. */
  readonly interceptors: readonly ServerInterceptor[];
  readonly unknown: LeanTransportOptions['unknown'];
  readonly transport: Transport;
  readonly intake: Intake;
  /** Aborted when it starts to leave. */
  readonly leaving: AbortController;
  readonly hooks: ShutdownHooks;
}

/** @throws DaemonError saying why it cannot serve */
export async function createServing(options: ServingOptions): Promise<Serving> {
  const { slot, generation, config, modules, startedAt, callLimit, tls, ticketKeys, signature, logger, onCallEnded, onLimit } = options;
  const { emit } = logger;
  const faults = new FaultLog(emit, systemClock);
  const leaving = new AbortController();
  const hooks = new ShutdownHooks((error) => logger.log.error({ err: error }, 'onShutdown failed'));
  const tally = new CallTally();
  const access = AccessLog.create(config.log, emit);
  const calls = new CallRegistry({
    tally,
    countsBytes: access !== null,
    report: (fault) => faults.add(fault),
    onCallEnded(call, code, ms) {
      access?.note(call, code, ms);
      onCallEnded(call, code, ms);
    },
  });
  const { server, services, methods, interceptors: user, health, loadReports } = await buildServer({
    config,
    ...(modules === undefined ? {} : { modules }),
    ...(startedAt === undefined ? {} : { startedAt }),
    guard: guardHandler,
    context: { slot, generation, logger: logger.log, signal: leaving.signal, onShutdown: (callback) => hooks.add(callback) },
  });
  for (const [path, kind] of methods) tally.add(path, kind);
  const callCap = callLimit === null ? null : new CallLimit(callLimit, () => tally.noteRejected('limit'));
  const signatureCheck = signature === null ? null : new SignatureCheck(signature, config.signatureExempt, () => tally.noteRejected('signature'));
  const interceptors = assembleInterceptors({
    accounting: calls.accounting,
    limit: callCap?.interceptor ?? null,
    signature: signatureCheck?.interceptor ?? null,
    user: user.map(({ interceptor }) => interceptor),
  });
  const unknown = { isKnown: (path: string) => tally.has(path), onUnknown: () => tally.noteUnknown() };
  const transport =
    config.transport === 'lean'
      ? new LeanTransport({
          server,
          interceptors,
          config,
          unknown,
          onFault: (peer, { code, message }) => emit('connection.broken', { peer, code, error: message }),
          onLimit,
        })
      : new Http2Transport(server, interceptors);
  const intake = new Intake({
    tls: tls === null ? null : { material: tls, clientAuthentication: config.clientAuthentication, ticketKeys },
    accept: (socket) => transport.accept(socket),
    onTaken: options.onTaken,
    onLost: options.onLost,
    onClosed: options.onClosed,
    onLimit,
    onTlsFailed: (peer, error) => emit('connection.tls-failed', { peer, error }),
  });
  return { server, services, health, loadReports, calls, tally, faults, callCap, signatureCheck, interceptors, unknown, transport, intake, leaving, hooks };
}
