/** Runs in the primary. The metrics of calls, with the names and labels of go-grpc-middleware. */
import { REJECTIONS, type MethodCalls } from '../../ipc/call-figures.js';
import { LATENCY_BUCKETS } from '../../shared/latency-buckets.js';
import type { Sample, Samples } from '../../shared/metrics.js';
import type { CallBook } from './call-book.js';
import { histogramSamples } from './histogram-samples.js';

/** By number, as Go spells them. */
export const GO_CODES = [
  'OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied', 'ResourceExhausted',
  'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable', 'DataLoss', 'Unauthenticated',
] as const;

/** Those of calls; the rest is the daemon's or its routers'. */
export type CallMetric = Extract<keyof Samples, `grpc_server_${string}`> | 'grpcserverd_rpcs_rejected_total';

/** @param refused by routers, which keep the cap with `balance: rpc` */
export function callSamples({ methods, rejected }: Pick<CallBook, 'methods' | 'rejected'>, refused: number): Pick<Samples, CallMetric> {
  const started: Sample[] = [];
  const handled: Sample[] = [];
  const received: Sample[] = [];
  const sent: Sample[] = [];
  const handling: Sample[] = [];
  for (const calls of methods) {
    const labels = labelsOf(calls);
    started.push({ labels, value: calls.started });
    for (const [code, name] of GO_CODES.entries()) handled.push({ labels: { ...labels, grpc_code: name }, value: calls.codes[code] ?? 0 });
    received.push({ labels, value: calls.received });
    sent.push({ labels, value: calls.sent });
    for (const sample of histogramSamples(labels, LATENCY_BUCKETS, calls.buckets, calls.seconds)) handling.push(sample);
  }
  return {
    grpc_server_started_total: started,
    grpc_server_handled_total: handled,
    grpc_server_msg_received_total: received,
    grpc_server_msg_sent_total: sent,
    grpc_server_handling_seconds: handling,
    grpcserverd_rpcs_rejected_total: REJECTIONS.map((reason) => ({ labels: { reason }, value: rejected[reason] + (reason === 'limit' ? refused : 0) })),
  };
}

const labelsOf = ({ kind, service, method }: MethodCalls): Sample['labels'] => ({ grpc_type: kind, grpc_service: service, grpc_method: method });
