/** Runs in the primary. What `status` says of a router; pure. */
import type { RouterStatus } from '../../control/definition.js';
import type { RouterHandle } from './router-handle.js';

/** @param now milliseconds on the steady clock */
export function describeRouter(router: RouterHandle, restarts: number, now: number): RouterStatus {
  const { load, meter } = router;
  const total = (counts: Readonly<Record<string, number>> = {}): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
  return {
    index: router.index,
    pid: router.pid ?? 0,
    state: router.state,
    uptimeSeconds: (now - router.forkedAt) / 1000,
    restarts,
    connections: load?.connections ?? 0,
    links: load?.links ?? 0,
    inFlight: load?.inFlight ?? 0,
    waiting: load?.waiting ?? 0,
    calls: load?.calls ?? 0,
    callsPerSecond: meter.callsPerSecond,
    bufferedBytes: load?.buffered ?? 0,
    bytesRead: load?.bytesRead ?? 0,
    bytesWritten: load?.bytesWritten ?? 0,
    lost: load?.lost ?? 0,
    limits: router.limits.counts,
    broken: total(load?.faults),
    faults: load?.faults ?? {},
    refused: total(load?.refused),
  };
}
