/**
 * Runs in the primary. Tells the workers once a second what the whole server does (src/primary/server-load.ts), for the
 * clients that ask them: src/worker/services/load-reports.ts.
 */
import { totalmem } from 'node:os';
import { availableProcessors } from '../config/parallelism.js';
import type { Clock } from '../shared/clock.js';
import type { RouterFleet } from './routers/router-fleet.js';
import { serverLoad } from './server-load.js';
import type { Supervisor } from './supervisor.js';

/** In milliseconds; no client gets reports more often. */
const INTERVAL = 1000;

export interface LoadReporterParts {
  readonly clock: Clock;
  readonly supervisor: Pick<Supervisor, 'workers' | 'plan'>;
  readonly routers: Pick<RouterFleet, 'routers'> | null;
}

/** Tells the workers whose config has loadReports, from now on. @returns ends it */
export function reportLoad({ clock, supervisor, routers }: LoadReporterParts): () => void {
  const processors = availableProcessors();
  const memory = availableMemory();
  let cancel: () => void;
  const tell = (): void => {
    cancel = clock.after(INTERVAL, tell);
    const { workers, plan } = supervisor;
    const readers = workers.filter(({ state, generation }) => state !== 'starting' && plan.generationOf(generation).config.loadReports);
    if (readers.length === 0) return;
    const callLimit = plan.generation.config.maximumConcurrentRpcs;
    const report = serverLoad(workers, routers?.routers ?? [], { processors, memory, callLimit }, clock.monotonic());
    for (const worker of readers) worker.send({ type: 'set-load-report', report });
  };
  cancel = clock.after(INTERVAL, tell);
  return () => cancel();
}

/** Bytes that the processes may have together. Node gives an absurd number, or 0, where there is no limit. */
function availableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
