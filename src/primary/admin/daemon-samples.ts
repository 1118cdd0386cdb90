/** Runs in the primary. The metrics of the daemon itself, from what its parts know; pure. */
import type { TlsMaterial } from '../../config/certificates.js';
import type { ReloadReport } from '../../control/definition.js';
import type { Sample, Samples } from '../../shared/metrics.js';
import { VERSION } from '../../shared/version.js';
import { nextAuthorityEnd } from '../certificate-status.js';
import { REFUSAL_REASONS, type RefusalReason } from '../dispatcher.js';
import type { WorkerHandle } from '../worker-handle.js';
import { DRAIN_BUCKETS, RESTART_REASONS, VERDICTS, type History } from './history.js';
import { histogramSamples } from './histogram-samples.js';

export interface DaemonFacts {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly isReady: boolean;
  readonly goal: { readonly workers: number; readonly generation: number };
  /** Those that are not gone. */
  readonly workers: readonly WorkerHandle[];
  readonly connectionsOf: (id: number) => number;
  /** Those that did not answer. */
  readonly silent: ReadonlySet<WorkerHandle>;
  readonly history: History;
  readonly waiting: number;
  readonly refused: (reason: RefusalReason) => number;
  readonly isReloading: boolean;
  readonly lastReload: ReloadReport | null;
  /** What TLS uses; null without it. */
  readonly tls: Pick<TlsMaterial, 'validUntil' | 'authorityEnds'> | null;
  readonly now: Date;
}

type DaemonMetric = Exclude<keyof Samples, `grpc_server_${string}` | 'grpcserverd_rpcs_rejected_total'>;

const STATES = ['starting', 'ready', 'draining'] as const;

export function daemonSamples(facts: DaemonFacts): Pick<Samples, DaemonMetric> {
  const { history, workers, goal, lastReload, tls, refused } = facts;
  return {
    grpcserverd_build_info: [{ labels: { version: VERSION, node: process.version }, value: 1 }],
    grpcserverd_start_time_seconds: one(facts.startedAt / 1000),
    grpcserverd_ready: one(facts.isReady),
    grpcserverd_generation: one(goal.generation),
    grpcserverd_workers: STATES.map((state) => ({ labels: { state }, value: workers.filter((worker) => worker.state === state).length })),
    grpcserverd_workers_wanted: one(goal.workers),
    grpcserverd_workers_silent: one(facts.silent.size),
    ...slotSamples(facts),
    grpcserverd_worker_restarts_total: RESTART_REASONS.map((reason) => ({ labels: { reason }, value: history.restarts[reason] })),
    grpcserverd_calls_cut_total: one(history.cut),
    grpcserverd_drain_duration_seconds: histogramSamples({}, DRAIN_BUCKETS, history.drains, history.drainSeconds),
    grpcserverd_drain_forced_total: one(history.forcedDrains),
    grpcserverd_connections_waiting: one(facts.waiting),
    grpcserverd_connections_refused_total: REFUSAL_REASONS.map((reason) => ({ labels: { reason }, value: refused(reason) })),
    grpcserverd_reloads_total: VERDICTS.map((verdict) => ({ labels: { verdict }, value: history.reloads[verdict] })),
    grpcserverd_reload_in_progress: one(facts.isReloading),
    grpcserverd_config_last_reload_successful: one(lastReload === null || lastReload.verdict === 'done'),
    grpcserverd_tls_certificate_expiry_timestamp_seconds: tls === null ? [] : expirySamples(tls, facts.now),
  };
}

type SlotMetric = Extract<DaemonMetric, `grpcserverd_worker_${string}`>;

/** A slot that is being replaced has two workers; what they use adds up. */
function slotSamples({ workers, silent, goal, connectionsOf }: DaemonFacts): Pick<Samples, Exclude<SlotMetric, 'grpcserverd_worker_restarts_total'>> {
  const slots = new Map<number, WorkerHandle[]>(Array.from({ length: goal.workers }, (_, slot) => [slot, []]));
  for (const worker of workers) slots.set(worker.slot, [...(slots.get(worker.slot) ?? []), worker]);
  const each = (value: (own: readonly WorkerHandle[]) => number): Sample[] => [...slots].map(([slot, own]) => ({ labels: { slot }, value: value(own) }));
  const sum = (value: (worker: WorkerHandle) => number) => each((own) => own.reduce((total, worker) => total + value(worker), 0));
  const most = (value: (worker: WorkerHandle) => number) => each((own) => Math.max(0, ...own.map(value)));
  return {
    grpcserverd_worker_up: most((worker) => Number(worker.state === 'ready' && !silent.has(worker))),
    grpcserverd_worker_generation: most(({ generation }) => generation),
    grpcserverd_worker_connections: sum(({ id }) => connectionsOf(id)),
    grpcserverd_worker_inflight_rpcs: sum(({ load }) => load?.inFlight ?? 0),
    grpcserverd_worker_resident_memory_bytes: sum(({ load }) => load?.rss ?? 0),
    grpcserverd_worker_event_loop_delay_p99_seconds: most(({ load }) => (load?.eventLoopDelay ?? 0) / 1000),
    grpcserverd_worker_event_loop_utilization: most(({ load }) => load?.eventLoopUtilization ?? 0),
  };
}

function expirySamples(tls: NonNullable<DaemonFacts['tls']>, now: Date): Sample[] {
  const ends = { server: tls.validUntil, authority: nextAuthorityEnd(tls, now) };
  return Object.entries(ends).flatMap(([cert, end]) => (end === null ? [] : [{ labels: { cert }, value: end.getTime() / 1000 }]));
}

const one = (value: number | boolean): Sample[] => [{ labels: {}, value: Number(value) }];
