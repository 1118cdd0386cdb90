/**
 * The metrics: an API, as the log events are. docs/metrics.md is made from this table, and the page has these and no
 * others. No label takes values that a client chooses, nor a pid: a slot is a worker's stable number.
 */
export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Label -> its values. */
  readonly labels: Readonly<Record<string, string>>;
}

const METHOD = {
  grpc_type: 'unary, client_stream, server_stream, bidi_stream or unknown', grpc_service: 'pkg.Service', grpc_method: 'its name',
} as const;
const SLOT = { slot: 'number of the slot' } as const;

export const METRICS = {
  grpc_server_started_total: { type: 'counter', help: 'Calls that have begun.', labels: METHOD },
  grpc_server_handled_total: {
    type: 'counter', help: 'Calls that have ended, by the status of their end.',
    labels: { ...METHOD, grpc_code: 'OK, Canceled, Unknown, InvalidArgument, DeadlineExceeded...' },
  },
  grpc_server_msg_received_total: { type: 'counter', help: 'Messages that clients have sent.', labels: METHOD },
  grpc_server_msg_sent_total: { type: 'counter', help: 'Messages that clients were sent.', labels: METHOD },
  grpc_server_handling_seconds: { type: 'histogram', help: 'From the first byte of a call to its end.', labels: METHOD },

  grpcserverd_build_info: { type: 'gauge', help: 'Always 1.', labels: { version: 'of grpcserverd', node: 'version of Node' } },
  grpcserverd_start_time_seconds: { type: 'gauge', help: 'When the daemon was started, in seconds since the epoch.', labels: {} },
  grpcserverd_ready: { type: 'gauge', help: '1 when /readyz says ready, else 0.', labels: {} },
  grpcserverd_generation: { type: 'gauge', help: 'The generation that is wanted; every reload that gets to start workers raises it.', labels: {} },
  grpcserverd_workers: { type: 'gauge', help: 'Workers by state.', labels: { state: 'starting, ready or draining' } },
  grpcserverd_workers_wanted: { type: 'gauge', help: 'Workers that there shall be.', labels: {} },
  grpcserverd_workers_silent: {
    type: 'gauge', help: 'Workers that did not tell their figures for this page within half a second; their calls are those of their last word.', labels: {},
  },
  grpcserverd_worker_up: { type: 'gauge', help: '1 when the slot has a ready worker that told its figures for this page, else 0.', labels: SLOT },
  grpcserverd_worker_generation: { type: 'gauge', help: 'Generation of the newest worker of the slot.', labels: SLOT },
  grpcserverd_worker_connections: { type: 'gauge', help: 'Client connections of the workers of the slot; with balance: rpc they are the routers\', and this is 0.', labels: SLOT },
  grpcserverd_worker_inflight_rpcs: { type: 'gauge', help: 'Calls in progress in the workers of the slot; up to two seconds old.', labels: SLOT },
  grpcserverd_worker_resident_memory_bytes: { type: 'gauge', help: 'Resident memory of the workers of the slot; up to two seconds old.', labels: SLOT },
  grpcserverd_worker_event_loop_delay_p99_seconds: {
    type: 'gauge', help: '99th percentile of the delay of the event loop over two seconds; of two workers in the slot, the worse.', labels: SLOT,
  },
  grpcserverd_worker_event_loop_utilization: {
    type: 'gauge', help: 'Share of the last two seconds in which the event loop was busy, 0 to 1; of two workers in the slot, the busier.', labels: SLOT,
  },
  grpcserverd_worker_restarts_total: {
    type: 'counter', help: 'Workers that were started in the place of another one.',
    labels: { reason: 'crash, fault, hang, start_timeout, signal, reload, max_rpcs, max_age, max_memory or other' },
  },
  grpcserverd_rpcs_rejected_total: {
    type: 'counter', help: 'Calls that were refused before their handler ran.', labels: { reason: 'limit (maximumConcurrentRpcs) or signature' },
  },
  grpcserverd_calls_cut_total: { type: 'counter', help: 'Calls that were ended with UNAVAILABLE because their worker had to go.', labels: {} },
  grpcserverd_drain_duration_seconds: { type: 'histogram', help: 'What workers took to finish their calls and leave.', labels: {} },
  grpcserverd_drain_forced_total: { type: 'counter', help: 'Workers that were killed because they had not left in time.', labels: {} },
  grpcserverd_connections_waiting: { type: 'gauge', help: 'Accepted connections that wait for a worker.', labels: {} },
  grpcserverd_connections_refused_total: {
    type: 'counter', help: 'Connections that were closed at once.',
    labels: { reason: 'over-limit, queue-full, queue-timeout, stopping or out-of-descriptors' },
  },
  grpcserverd_reloads_total: {
    type: 'counter', help: 'Reloads that have ended, by their verdict.', labels: { verdict: 'done, refused, rolled-back, halted or pre-empted' },
  },
  grpcserverd_reload_in_progress: { type: 'gauge', help: '1 while a reload runs, else 0.', labels: {} },
  grpcserverd_config_last_reload_successful: { type: 'gauge', help: '1 unless the last reload failed.', labels: {} },
  grpcserverd_tls_certificate_expiry_timestamp_seconds: {
    type: 'gauge', help: 'When the first certificate of the chain in use expires, or the next authority of rootCertificate, in seconds since the epoch; absent without TLS.',
    labels: { cert: 'server or authority' },
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof METRICS;

/** One line of the page. `part`: the end of its name, in histograms. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly part?: '_bucket' | '_sum' | '_count';
}

export type Samples = Readonly<Record<MetricName, readonly Sample[]>>;
