/** Runs in the primary. One sample of the dashboard's plots, from a round of heartbeats and the fleet after it; pure. */
import type { Sample } from '../../../control/dashboard-feed.js';
import type { Load } from '../../../ipc/messages.js';
import type { WorkerHandle } from '../../worker-handle.js';
import { errorsOf } from './method-window.js';
import { quantileMs } from './quantile.js';
import type { RoundFigures } from './round.js';

export interface SampledFleet {
  readonly workers: readonly Pick<WorkerHandle, 'state' | 'load'>[];
  /** Of clients. */
  readonly connections: number;
}

/** @param primaryBytes resident memory of this process */
export function describeSample({ seconds, codes, buckets }: RoundFigures, { workers, connections }: SampledFleet, at: number, primaryBytes: number): Omit<Sample, 'seq'> {
  const loads = workers.map(({ load }) => load).filter((load) => load !== null);
  const delays = loads.map(({ eventLoopDelay }) => eventLoopDelay).sort((a, b) => a - b);
  const sum = (value: (load: Load) => number): number => loads.reduce((total, load) => total + value(load), 0);
  return {
    at,
    seconds,
    calls: codes.reduce((total, count) => total + count, 0),
    errors: errorsOf(codes),
    p50Ms: quantileMs(buckets, 0.5),
    p99Ms: quantileMs(buckets, 0.99),
    inFlight: sum(({ inFlight }) => inFlight),
    connections,
    ready: workers.filter(({ state }) => state === 'ready').length,
    delayMs: delays.at(-1) ?? 0,
    medianDelayMs: delays[Math.floor((delays.length - 1) / 2)] ?? 0,
    workersBytes: sum(({ rss }) => rss),
    largestBytes: loads.reduce((largest, { rss }) => Math.max(largest, rss), 0),
    primaryBytes,
  };
}
