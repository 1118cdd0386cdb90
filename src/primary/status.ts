/** Runs in the primary. What `status` says, from what the supervisor and the dispatcher know; pure. */
import type { TlsMaterial } from '../config/certificates.js';
import type { Health, Status, WorkerStatus } from '../control/definition.js';
import { certificateProblems, describeCertificate } from './certificate-status.js';
import { nameFiles } from './code/name-files.js';
import type { Reloader } from './reloader.js';
import { describeRouter } from './routers/describe-router.js';
import type { RouterFleet } from './routers/router-fleet.js';
import type { Supervisor } from './supervisor.js';
import { describeInspection } from './inspection.js';
import type { WorkerDoor } from './worker-door.js';
import type { WorkerHandle } from './worker-handle.js';

export interface StatusSources {
  readonly supervisor: Supervisor;
  readonly door: WorkerDoor;
  readonly reloader: Reloader;
  /** Null with `balance: connection`. */
  readonly routers: RouterFleet | null;
}

export interface StatusFacts {
  readonly name: string;
  readonly version: string;
  readonly configFile: string | null;
  readonly address: string;
  readonly port: number | null;
  /** Of the connections that come now; null without TLS. */
  readonly tls: TlsMaterial | null;
  /** Why the certificate files as they are now are not in use; null when they are. */
  readonly certificateProblem: string | null;
  /** The same of the files of signatureData. */
  readonly signatureProblem: string | null;
  /** Milliseconds on the clock of the supervisor. */
  readonly startedAt: number;
  readonly now: number;
  /** What it is for people. */
  readonly date: Date;
  /** A stop is to come. */
  readonly isLeaving: boolean;
  /** Files that hold something else than what the generation was proven with. */
  readonly changedCode: readonly string[];
}

export function describeStatus({ supervisor, door, reloader, routers }: StatusSources, facts: StatusFacts): Status {
  const workers = supervisor.workers;
  const { goal } = supervisor.plan;
  const problems = [...findProblems(supervisor, reloader, workers, facts), ...routerProblems(supervisor, routers)];
  const described = workers.map((worker) => describeWorker(worker, supervisor, door, facts.now));
  const { progress } = reloader;
  return {
    name: facts.name,
    version: facts.version,
    health: facts.isLeaving ? 'stopping' : healthOf(supervisor, problems),
    primary: {
      pid: process.pid,
      generation: goal.generation,
      uptimeSeconds: (facts.now - facts.startedAt) / 1000,
      configFile: facts.configFile ?? '',
    },
    goal,
    address: facts.address,
    port: facts.port ?? 0,
    tls: facts.tls !== null,
    services: workers.find((worker) => worker.services.length > 0)?.services.map(({ name }) => name) ?? [],
    workers: described,
    problems,
    lastReload: reloader.last,
    reload: progress === null ? null : { ...progress, generation: goal.generation, workers: described },
    restartRequired: reloader.restartRequired,
    certificate: facts.tls === null ? null : describeCertificate(facts.tls, facts.date),
    routers: routers?.routers.map((router) => describeRouter(router, routers.restarts(router.index), facts.now)) ?? [],
  };
}

function healthOf(supervisor: Supervisor, problems: readonly string[]): Health {
  if (supervisor.phase === 'stopping') return 'stopping';
  if (supervisor.phase === 'booting') return 'starting';
  return problems.length === 0 ? 'healthy' : 'degraded';
}

function findProblems(
  supervisor: Supervisor,
  reloader: Reloader,
  workers: readonly WorkerHandle[],
  { changedCode, tls, certificateProblem, signatureProblem, date }: StatusFacts,
): string[] {
  if (supervisor.phase !== 'serving') return [];
  const problems: string[] = [];
  const slotsThatAre = (wanted: WorkerHandle['state']): Set<number> => new Set(workers.filter(({ state }) => state === wanted).map(({ slot }) => slot));
  const [ready, starting] = [slotsThatAre('ready'), slotsThatAre('starting')];
  for (let slot = 0; slot < supervisor.plan.goal.workers; slot++) {
    if (ready.has(slot)) continue;
    const crashes = supervisor.slots.crashes(slot);
    // A fleet that grows is well.
    const isNew = crashes === 0 && supervisor.slots.restarts(slot) === 0 && starting.has(slot);
    if (isNew) continue;
    problems.push(`Slot ${slot} has no ready worker${crashes > 0 ? ` (crashes in a row: ${crashes})` : ''}`);
  }
  const { last } = reloader;
  if (last !== null && last.error !== '') problems.push(`The last reload failed (${last.verdict}): ${last.error}`);
  if (supervisor.plan.isMixed) problems.push('Two generations serve: the last reload was halted half-way');
  if (changedCode.length > 0) {
    problems.push(`Code changed on disk since generation ${supervisor.plan.goal.generation} was proven: ${nameFiles(changedCode)}; reload to use it`);
  }
  if (tls !== null) problems.push(...certificateProblems(tls, certificateProblem, date));
  if (signatureProblem !== null) problems.push(`The files of signatureData are not in use: ${signatureProblem}`);
  return problems;
}

function routerProblems({ phase }: Supervisor, routers: RouterFleet | null): string[] {
  if (phase !== 'serving' || routers === null || routers.routers.some(({ state }) => state === 'ready')) return [];
  return ['No router is ready: connections wait'];
}

function describeWorker(worker: WorkerHandle, supervisor: Supervisor, door: WorkerDoor, now: number): WorkerStatus {
  const { load, state } = worker;
  const timeLeft = state === 'draining' ? supervisor.timeLeft(worker) : 0;
  return {
    slot: worker.slot,
    pid: worker.pid ?? 0,
    state,
    generation: worker.generation,
    uptimeSeconds: (now - worker.forkedAt) / 1000,
    restarts: supervisor.slots.restarts(worker.slot),
    connections: door.connectionsOf(worker.id),
    inFlight: load?.inFlight ?? 0,
    calls: load?.calls ?? 0,
    callsPerSecond: worker.meter.callsPerSecond,
    p99Ms: load?.p99 ?? 0,
    eventLoopDelayMs: load?.eventLoopDelay ?? 0,
    eventLoopUtilization: load?.eventLoopUtilization ?? 0,
    rssBytes: load?.rss ?? 0,
    cause: worker.cause ?? '',
    oldestCall: state === 'draining' ? (load?.oldestCall ?? null) : null,
    secondsLeft: Math.max(0, timeLeft / 1000),
    heartbeatAgeSeconds: worker.meter.age(now) / 1000,
    admitted: door.isAdmitted(worker.id),
    inspection: describeInspection(worker.inspection),
    limits: worker.limits.counts,
  };
}
