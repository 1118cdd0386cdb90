import type { RouterStatus, Status, WorkerStatus } from '#src/control/definition.js';

/** When the statuses of tests are looked at, in milliseconds since the epoch. */
export const NOW = Date.UTC(2030, 0, 15);

/** A ready worker but for what is given. */
export function workerOf(slot: number, facts: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    slot, pid: 4711 + slot, state: 'ready', generation: 2, uptimeSeconds: 3700, restarts: 1, connections: 12, inFlight: 3, calls: 1000,
    callsPerSecond: 250.4, p99Ms: 12.4, eventLoopDelayMs: 1.23, eventLoopUtilization: 0.37, rssBytes: 88e6, cause: '', oldestCall: null,
    secondsLeft: 0, heartbeatAgeSeconds: 1, admitted: true, inspection: '', limits: {}, ...facts,
  };
}

/** A ready router but for what is given. */
export function routerOf(index: number, facts: Partial<RouterStatus> = {}): RouterStatus {
  return {
    index, pid: 4801 + index, state: 'ready', uptimeSeconds: 60, restarts: 0, connections: 12, links: 20, inFlight: 5, waiting: 0, calls: 1000, callsPerSecond: 1200,
    bufferedBytes: 0, bytesRead: 88e6, bytesWritten: 90e6, lost: 0, broken: 0, faults: {}, refused: 0, limits: {}, ...facts,
  };
}

/** The status of a healthy daemon with two workers but for what is given. */
export function statusOf(facts: Partial<Status> = {}): Status {
  return {
    name: 'shop', version: '1.2.3', health: 'healthy',
    primary: { pid: 4700, generation: 2, uptimeSeconds: 90_061, configFile: '/etc/grpcserverd/config.yaml' },
    goal: { workers: 2, generation: 2, source: 'config' },
    address: '[::]:50051', port: 50051, tls: false, services: ['shop.v1.Orders', 'shop.v1.Catalog'],
    workers: [workerOf(0), workerOf(1)], problems: [], lastReload: null, reload: null, restartRequired: [], certificate: null, routers: [], ...facts,
  };
}
