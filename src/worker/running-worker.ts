/**
 * Runs in a worker. Serves, and tells the primary how it goes; what it serves with is made by serving.ts. Loaded by main.ts when
 * the order to start is there.
 */
import type { TlsMaterial } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import type { SignatureData } from '../config/signature-data.js';
import type { Intake } from '../front/intake.js';
import { LimitLog } from '../front/limit-log.js';
import type { CallFigures } from '../ipc/call-figures.js';
import type { LoadReport } from '../ipc/load-report.js';
import type { CallSummary, FromWorker } from '../ipc/messages.js';
import type { ActiveCall } from './calls/active-call.js';
import { explain } from './calls/call-fault.js';
import type { CallRegistry } from './calls/call-registry.js';
import { installFaultHandlers } from './calls/faults.js';
import { ServedCalls } from './calls/served-calls.js';
import type { Arrivals } from './arrivals.js';
import { LinkServer } from './link-server.js';
import type { ClientLimit } from '../shared/client-limits.js';
import { systemClock } from '../shared/clock.js';
import type { DaemonLogger } from '../shared/logger.js';
import { ENDLESS_CALLS } from '../shared/observing-calls.js';
import type { ServiceInfo } from '../shared/service-info.js';
import { Drain, summarize, type DrainReport } from './drain.js';
import { startHeartbeat } from './heartbeat.js';
import { LatencyHistogram } from './latency-histogram.js';
import { selfCheck } from './self-check.js';
import { createServing } from './serving.js';

export interface WorkerOptions {
  readonly slot: number;
  readonly generation: number;
  readonly config: Config;
  readonly linkPath: string | null;
  readonly callLimit: number | null;
  readonly tls: Pick<TlsMaterial, 'pem'> | null;
  readonly ticketKeys: string;
  readonly signature: SignatureData | null;
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
  setSignature(data: SignatureData): void;
  /** What the calls have come to since this was asked last. */
  takeCalls(): CallFigures;
  /** The whole server is going to stop: health says so from now on. */
  announceStop(): void;
  /** What clients are told of the load of the whole server. */
  setLoadReport(report: LoadReport): void;
}

/** @throws DaemonError saying why this worker cannot serve */
export async function startWorker({ slot, generation, config, linkPath, callLimit, tls, ticketKeys, signature, logger, send }: WorkerOptions): Promise<RunningWorker> {
  const { emit } = logger;
  const drained: { by: Drain | null } = { by: null };
  const latency = new LatencyHistogram();
  const served = new ServedCalls();
  installFaultHandlers({
    onFault({ kind, error, method }) {
      emit('worker.fault', { kind, error: explain(error), method });
      send({ type: 'recycle-wanted', cause: kind });
    },
  });
  const limitLog = new LimitLog({ clock: systemClock, emit, tell: (limit, count) => send({ type: 'limit-reached', limit, count }) });
  const onLimit = (limit: ClientLimit, peer: string): void => limitLog.add(limit, peer);
  const { server, services, health, loadReports, calls, tally, faults, callCap, signatureCheck, interceptors, unknown, transport, intake, leaving, hooks } = await createServing({
    slot,
    generation,
    config,
    callLimit,
    tls,
    signature,
    ticketKeys: Buffer.from(ticketKeys, 'base64'),
    logger,
    onCallEnded({ path }, code, ms) {
      latency.add(ms);
      served.noteEnded(path, code);
      drained.by?.noteCallEnded();
    },
    onTaken: (id) => send({ type: 'socket-taken', id }),
    onLost: (id) => send({ type: 'socket-lost', id }),
    onClosed: (ids) => send({ type: 'sockets-closed', ids }),
    onLimit,
  });
  const links = linkPath === null ? null : new LinkServer({
    server,
    interceptors,
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
      served: () => served.figures(calls),
    },
    (load) => {
      send({ type: 'heartbeat', ...load });
      // Should it be killed, what is told is what counts. Also without a page, for a reload may open one.
      send({ type: 'calls-told', id: null, ...tally.take() });
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
    setSignature: (data) => signatureCheck?.setData(data),
    takeCalls: () => tally.take(),
    announceStop: () => health.setNotServing(),
    setLoadReport: (report) => loadReports?.setReport(report),
  };
}

/** The call that a drain would wait for longest. */
function oldest(calls: CallRegistry): CallSummary | null {
  let first: ActiveCall | null = null;
  for (const call of calls) {
    if (!ENDLESS_CALLS.has(call.path) && (first === null || call.age > first.age)) first = call;
  }
  return first === null ? null : summarize(first);
}
