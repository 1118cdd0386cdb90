/** Runs in the primary. The metrics of routers; pure. */
import { REFUSALS, type RouterLoad } from '../../ipc/router-messages.js';
import type { Sample, Samples } from '../../shared/metrics.js';
import type { RouterFigures } from '../routers/router-totals.js';

export type RouterMetric = Extract<keyof Samples, `grpcserverd_router_${string}`>;

/** @param routers none with `balance: connection` */
export function routerSamples(routers: readonly RouterFigures[]): Pick<Samples, RouterMetric> {
  const each = (value: (figures: RouterFigures) => number): Sample[] => routers.map((figures) => ({ labels: { router: figures.index }, value: value(figures) }));
  const now = (value: (load: RouterLoad) => number): Sample[] => each(({ load }) => (load === null ? 0 : value(load)));
  return {
    grpcserverd_router_up: each(({ isReady }) => Number(isReady)),
    grpcserverd_router_restarts_total: each(({ restarts }) => restarts),
    grpcserverd_router_connections: now(({ connections }) => connections),
    grpcserverd_router_links: now(({ links }) => links),
    grpcserverd_router_inflight_rpcs: now(({ inFlight }) => inFlight),
    grpcserverd_router_waiting_rpcs: now(({ waiting }) => waiting),
    grpcserverd_router_buffered_bytes: now(({ buffered }) => buffered),
    grpcserverd_router_rpcs_total: each(({ total }) => total.calls),
    grpcserverd_router_rpcs_refused_total: routers.flatMap(({ index, total }) => REFUSALS.map((reason) => ({ labels: { router: index, reason }, value: total.refused[reason] }))),
    grpcserverd_router_rpcs_lost_total: each(({ total }) => total.lost),
    grpcserverd_router_received_bytes_total: each(({ total }) => total.bytesRead),
    grpcserverd_router_sent_bytes_total: each(({ total }) => total.bytesWritten),
    grpcserverd_router_faults_total: routers.flatMap(({ index, total }) => Object.entries(total.faults).map(([code, value]) => ({ labels: { router: index, code }, value }))),
  };
}
