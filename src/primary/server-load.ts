/** Runs in the primary. The load of the whole server from what workers and routers said of themselves last; pure. */
import type { LoadReport } from '../ipc/load-report.js';
import type { RouterLoad } from '../ipc/router-messages.js';
import type { RouterHandle } from './routers/router-handle.js';
import { isMute, utilizationOf } from './utilization.js';
import type { WorkerHandle } from './worker-handle.js';

export type LoadedWorker = Pick<WorkerHandle, 'state' | 'load' | 'meter' | 'lastSign' | 'inspection'>;
export type LoadedRouter = Pick<RouterHandle, 'meter'>;

export interface ServerResources {
  /** What the processes may use together; may be a part of one. */
  readonly processors: number;
  /** In bytes. */
  readonly memory: number;
  /** maximumConcurrentRpcs. */
  readonly callLimit: number | null;
}

/** @param now milliseconds on the steady clock */
export function serverLoad(workers: readonly LoadedWorker[], routers: readonly LoadedRouter[], resources: ServerResources, now: number): LoadReport {
  const { processors, memory, callLimit } = resources;
  const ready = workers.filter(({ state }) => state === 'ready');
  const inFlight = sum(workers.map(({ load }) => load?.served.inFlight ?? 0));
  const refused = sum(routers.map(({ meter }) => meter.perSecond(refusals)));
  const cpu = (sum(workers.map((worker) => cpuOf(worker, now))) + sum(routers.map(({ meter }) => meter.perSecond((load) => load.cpu)))) / processors;
  // Without a worker nothing can be taken on.
  const eventLoop = ready.length === 0 ? 1 : sum(ready.map((worker) => utilizationOf(worker, now))) / ready.length;
  const calls = callLimit === null ? null : Math.min(1, inFlight / callLimit);
  return {
    cpu,
    memory: Math.min(1, sum(workers.map(({ load }) => load?.rss ?? 0)) / memory),
    eventLoop,
    calls,
    application: Math.max(cpu, eventLoop, calls ?? 0),
    callsPerSecond: sum(workers.map(({ meter }) => meter.perSecond(({ served }) => served.ended))) + refused,
    errorsPerSecond: sum(workers.map(({ meter }) => meter.perSecond(({ served }) => served.failed))) + refused,
    workers: ready.length,
    inFlight,
  };
}

/** Processors that it keeps busy. What holds an event loop up for long is nearly always a computation. */
function cpuOf(worker: LoadedWorker, now: number): number {
  // Those that boot have no heartbeat yet.
  return worker.state === 'ready' && isMute(worker, now) ? 1 : worker.meter.perSecond((load) => load.cpu);
}

/** Calls that ended in a router, because it let none in or because their worker died. */
function refusals({ refused, lost }: RouterLoad): number {
  return sum(Object.values(refused)) + lost;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
