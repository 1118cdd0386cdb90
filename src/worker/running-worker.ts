/**
 * Runs in a worker. Builds everything that serves: server, interceptors, transport, intake. Loaded by main.ts when
 * the order to start is there.
 */
import { isSignatureWanted } from '../config/validate.js';
import type { TlsMaterial } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import { Intake } from '../front/intake.js';
import { LimitLog } from '../front/limit-log.js';
import type { CallFigures } from '../ipc/call-figures.js';
import type { CallSummary, FromWorker } from '../ipc/messages.js';
import { AccessLog } from './calls/access-log.js';
import type { ActiveCall } from './calls/active-call.js';
import { explain } from './calls/call-fault.js';
import { assembleInterceptors } from './calls/assemble-interceptors.js';
import { CallLimit } from './calls/call-limit.js';
import { CallRegistry } from './calls/call-registry.js';
import { CallTally } from './calls/call-tally.js';
import { FaultLog } from './calls/fault-log.js';
import { installFaultHandlers } from './calls/faults.js';
import { guardHandler } from './calls/guard.js';
import { createSignature } from './calls/signature.js';
import type { Arrivals } from './arrivals.js';
import { LinkServer } from './link-server.js';
import type { ClientLimit } from '../shared/client-limits.js';
import { systemClock } from '../shared/clock.js';
import type { DaemonLogger } from '../shared/logger.js';
import type { ServiceInfo } from '../shared/service-info.js';
import { buildServer } from './build-server.js';
import { Drain, ENDLESS, summarize, type DrainReport } from './drain.js';
import { startHeartbeat } from './heartbeat.js';
import { LatencyHistogram } from './latency-histogram.js';
import { selfCheck } from './self-check.js';
import { ShutdownHooks } from './shutdown-hooks.js';
import { Http2Transport } from './transport/http2-transport.js';
import { LeanTransport } from './transport/lean-transport.js';

export interface WorkerOptions {
  readonly slot: number;
  readonly generation: number;
  readonly config: Config;
  readonly linkPath: string | null;
  readonly callLimit: number | null;
  readonly tls: Pick<TlsMaterial, 'pem'> | null;
  readonly ticketKeys: string;
  readonly logger: DaemonLogger;
  readonly send: (message: FromWorker) => void;
}

export interface RunningWorker {
  readonly services: readonly ServiceInfo[];
  readonly intake: Intake;
  /** Finishes the calls and the servicers' business. */
  leave(cause: string, delay: number): Promise<DrainReport>;
  /** Leaves that many milliseconds for what `leave` still has to do. */
  hurry(ms: number): void;
  sendClientsAway(): void;
  noteOrphaned(): void;
  setCallLimit(limit: number): void;
  /** What the calls have come to since this was asked last. */
  takeCalls(): CallFigures;
  /** The whole server is going to stop: health says so from now on. */
  announceStop(): void;
}

/** @throws DaemonError saying why this worker cannot serve */
export async function startWorker({ slot, generation, config, linkPath, callLimit, tls, ticketKeys, logger, send }: WorkerOptions): Promise<RunningWorker> {
  const { emit } = logger;
  const faults = new FaultLog(emit, systemClock);
  const leaving = new AbortController();
  const hooks = new ShutdownHooks((error) => logger.log.error({ err: error }, 'onShutdown failed'));
  const drained: { by: Drain | null } = { by: null };
  const latency = new LatencyHistogram();
  const tally = new CallTally();
  const access = AccessLog.create(config.log, emit);
  const calls = new CallRegistry({
    tally,
    report: (fault) => faults.add(fault),
    onCallEnded(call, code, ms) {
      latency.add(ms);
      access?.note(call, code, ms);
      drained.by?.noteCallEnded();
    },
  });
  installFaultHandlers({
    onFault({ kind, error, method }) {
      emit('worker.fault', { kind, error: explain(error), method });
      send({ type: 'recycle-wanted', cause: kind });
    },
  });

  const { server, services, methods, interceptors, health } = await buildServer({
    config,
    guard: guardHandler,
    context: { slot, generation, logger: logger.log, signal: leaving.signal, onShutdown: (callback) => hooks.add(callback) },
  });
  for (const [path, kind] of methods) tally.add(path, kind);
  const callCap = callLimit === null ? null : new CallLimit(callLimit, () => tally.noteRejected('limit'));
  const allInterceptors = assembleInterceptors({
    accounting: calls.accounting,
    limit: callCap?.interceptor ?? null,
    signature: createSignature({ ...config, signature: isSignatureWanted(config) }, () => tally.noteRejected('signature')),
    user: interceptors.map(({ interceptor }) => interceptor),
  });
  const limitLog = new LimitLog({ clock: systemClock, emit, tell: (limit, count) => send({ type: 'limit-reached', limit, count }) });
  const onLimit = (limit: ClientLimit, peer: string): void => limitLog.add(limit, peer);
  const unknown = { isKnown: (path: string) => tally.has(path), onUnknown: () => tally.noteUnknown() };
  const transport =
    config.transport === 'lean'
      ? new LeanTransport({
          server,
          interceptors: allInterceptors,
          config,
          unknown,
          onFault: (peer, { code, message }) => emit('connection.broken', { peer, code, error: message }),
          onLimit,
        })
      : new Http2Transport(server, allInterceptors);
  const intake = new Intake({
    tls: tls === null ? null : { material: tls, clientAuthentication: config.clientAuthentication, ticketKeys: Buffer.from(ticketKeys, 'base64') },
    accept: (socket) => transport.accept(socket),
    onTaken: (id) => send({ type: 'socket-taken', id }),
    onLost: (id) => send({ type: 'socket-lost', id }),
    onClosed: (ids) => send({ type: 'sockets-closed', ids }),
    onTlsFailed: (peer, error) => emit('connection.tls-failed', { peer, error }),
    onLimit,
  });
  const links = linkPath === null ? null : new LinkServer({
    server,
    interceptors: allInterceptors,
    maxMetadataSize: config.maxMetadataSize,
    unknown,
    clock: systemClock,
    onFault: (error) => emit('link.broken', { error }),
    onLimit,
  });
  const arrivals: Arrivals = links ?? intake;
  health.setServing();
  await selfCheck(server, transport, config.health ? null : health, config.startTimeout);
  if (links !== null && linkPath !== null) await links.listen(linkPath);
  startHeartbeat(
    {
      connections: () => arrivals.connections,
      inFlight: () => calls.inFlight,
      calls: () => calls.total,
      takeP99: () => latency.takePercentile(0.99),
      oldestCall: () => oldest(calls),
    },
    (load) => {
      send({ type: 'heartbeat', ...load });
      // Should it be killed, what is told is what counts.
      if (config.admin !== null) send({ type: 'calls-told', id: null, ...tally.take() });
    },
  );

  const drain = new Drain({ calls, arrivals, transport, emit });
  return {
    services,
    intake,
    async leave(cause, delay) {
      // When the whole server goes, watchers hear it before their streams end. In a reload others serve on.
      if (cause === 'stop') health.setNotServing();
      drained.by = drain;
      leaving.abort();
      const result = await drain.run(config, delay);
      faults.flush();
      limitLog.flush();
      await hooks.run();
      return result;
    },
    hurry: (ms) => drain.hurry(ms),
    sendClientsAway: () => transport.sendAway(),
    noteOrphaned: () => emit('worker.orphaned', {}),
    setCallLimit: (limit) => callCap?.setLimit(limit),
    takeCalls: () => tally.take(),
    announceStop: () => health.setNotServing(),
  };
}

/** The call that a drain would wait for longest. */
function oldest(calls: CallRegistry): CallSummary | null {
  let first: ActiveCall | null = null;
  for (const call of calls) {
    if (call.path !== ENDLESS && (first === null || call.age > first.age)) first = call;
  }
  return first === null ? null : summarize(first);
}
