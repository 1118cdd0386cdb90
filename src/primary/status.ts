/** Runs in the primary. What `status` says, from what the supervisor and the dispatcher know; pure. */
import type { Health, Status, WorkerStatus } from '../control/definition.js';
import type { Dispatcher } from './dispatcher.js';
import type { Supervisor } from './supervisor.js';
import type { WorkerHandle } from './worker-handle.js';

export interface StatusFacts {
  readonly name: string;
  readonly version: string;
  readonly configFile: string | null;
  readonly address: string;
  readonly port: number | null;
  readonly tls: boolean;
  /** Milliseconds on the clock of the supervisor. */
  readonly startedAt: number;
  readonly now: number;
}

export function describeStatus(supervisor: Supervisor, dispatcher: Dispatcher, facts: StatusFacts): Status {
  const workers = supervisor.workers;
  const { goal } = supervisor;
  const problems = findProblems(supervisor, workers);
  return {
    name: facts.name,
    version: facts.version,
    health: healthOf(supervisor, problems),
    primary: {
      pid: process.pid,
      generation: goal.generation,
      uptimeSeconds: (facts.now - facts.startedAt) / 1000,
      configFile: facts.configFile ?? '',
    },
    goal,
    address: facts.address,
    port: facts.port ?? 0,
    tls: facts.tls,
    services: workers.find((worker) => worker.services.length > 0)?.services.map(({ name }) => name) ?? [],
    workers: workers.map((worker) => describeWorker(worker, supervisor, dispatcher, facts.now)),
    problems,
  };
}

function healthOf(supervisor: Supervisor, problems: readonly string[]): Health {
  if (supervisor.phase === 'stopping') return 'stopping';
  if (supervisor.phase === 'booting') return 'starting';
  return problems.length === 0 ? 'healthy' : 'degraded';
}

function findProblems(supervisor: Supervisor, workers: readonly WorkerHandle[]): string[] {
  if (supervisor.phase !== 'serving') return [];
  const problems: string[] = [];
  for (let slot = 0; slot < supervisor.goal.workers; slot++) {
    if (workers.some((worker) => worker.slot === slot && worker.state === 'ready')) continue;
    const crashes = supervisor.slots.crashes(slot);
    problems.push(`Slot ${slot} has no ready worker${crashes > 0 ? ` (crashes in a row: ${crashes})` : ''}`);
  }
  return problems;
}

function describeWorker(worker: WorkerHandle, supervisor: Supervisor, dispatcher: Dispatcher, now: number): WorkerStatus {
  return {
    slot: worker.slot,
    pid: worker.pid ?? 0,
    state: worker.state,
    generation: worker.generation,
    uptimeSeconds: (now - worker.forkedAt) / 1000,
    restarts: supervisor.slots.restarts(worker.slot),
    connections: dispatcher.connectionsOf(worker.id),
    inFlight: worker.load?.inFlight ?? 0,
    calls: worker.load?.calls ?? 0,
    eventLoopDelayMs: worker.load?.eventLoopDelay ?? 0,
    rssBytes: worker.load?.rss ?? 0,
    cause: worker.cause ?? '',
  };
}
