/** Runs in the primary. One sample of the dashboard's plots, from a round of heartbeats and the status after it; pure. */
import type { Sample } from '../../../control/dashboard-feed.js';
import type { Status, WorkerStatus } from '../../../control/definition.js';
import { errorsOf } from './method-window.js';
import { quantileMs } from './quantile.js';
import type { RoundFigures } from './round.js';

/** @param primaryBytes resident memory of this process */
export function describeSample({ seconds, codes, buckets }: RoundFigures, { workers, routers }: Status, at: number, primaryBytes: number): Omit<Sample, 'seq'> {
  const serving = workers.filter(({ state }) => state !== 'starting');
  const delays = serving.map(({ eventLoopDelayMs }) => eventLoopDelayMs).sort((a, b) => a - b);
  const sum = (value: (worker: WorkerStatus) => number): number => workers.reduce((total, worker) => total + value(worker), 0);
  return {
    at,
    seconds,
    calls: codes.reduce((total, count) => total + count, 0),
    errors: errorsOf(codes),
    p50Ms: quantileMs(buckets, 0.5),
    p99Ms: quantileMs(buckets, 0.99),
    inFlight: sum(({ inFlight }) => inFlight),
    // Where there are routers, the connections of workers are the routers' own.
    connections: routers.length > 0 ? routers.reduce((total, router) => total + router.connections, 0) : sum(({ connections }) => connections),
    ready: workers.filter(({ state }) => state === 'ready').length,
    delayMs: delays.at(-1) ?? 0,
    medianDelayMs: delays[Math.floor((delays.length - 1) / 2)] ?? 0,
    workersBytes: sum(({ rssBytes }) => rssBytes),
    largestBytes: Math.max(0, ...workers.map(({ rssBytes }) => rssBytes)),
    primaryBytes,
  };
}
