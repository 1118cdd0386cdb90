/** Runs in a worker. Tells the primary every two seconds that the event loop turns, and how it feels. */
import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';
import { cpuSeconds } from '../ipc/cpu-seconds.js';
import type { CallSummary, Load, ServedLoad } from '../ipc/messages.js';

/** In milliseconds. */
export const HEARTBEAT_INTERVAL = 2000;
/** Of the delay sampler, in milliseconds; what it reports includes the wait itself. */
const RESOLUTION = 20;

export interface LoadSource {
  readonly connections: () => number;
  readonly inFlight: () => number;
  readonly calls: () => number;
  /** 99th percentile since it was last asked, in milliseconds. */
  readonly takeP99: () => number;
  readonly oldestCall: () => CallSummary | null;
  readonly served: () => ServedLoad;
}

export function startHeartbeat(source: LoadSource, send: (load: Load) => void): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  delay.enable();
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  let memory = { rss: 0, heapUsed: 0 };
  const beat = (): void => {
    const now = performance.eventLoopUtilization();
    const { idle, active, utilization } = performance.eventLoopUtilization(now, before);
    memory = measureMemory() ?? memory;
    send({
      connections: source.connections(),
      inFlight: source.inFlight(),
      calls: source.calls(),
      eventLoopDelay: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION),
      // The first beat, over no time at all, would tell of a fully busy worker.
      eventLoopUtilization: idle + active < RESOLUTION ? 0 : utilization,
      rss: memory.rss,
      heapUsed: memory.heapUsed,
      p99: source.takeP99(),
      oldestCall: source.oldestCall(),
      cpu: cpuSeconds(),
      served: source.served(),
    });
    before = now;
    delay.reset();
  };
  beat();
  setInterval(beat, HEARTBEAT_INTERVAL);
}

/** Null when the process is out of descriptors: Node needs one for this. */
function measureMemory(): NodeJS.MemoryUsage | null {
  try {
    return process.memoryUsage();
  } catch {
    return null;
  }
}
