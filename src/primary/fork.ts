/**
 * Runs in the primary; the only file that imports node:cluster here. The other half is src/worker/main.ts, which is
 * known to the primary as a URL and nothing more.
 */
import cluster, { type Worker } from 'node:cluster';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** Read by OpenTelemetry: without an id of its own for each process, the figures of one overwrite those of another. */
const OTEL = 'OTEL_RESOURCE_ATTRIBUTES';
const WORKER_ENTRY = fileURLToPath(new URL('../worker/main.js', import.meta.url));

export interface ForkOptions {
  readonly nodeArguments: readonly string[];
  /** Its stable number. */
  readonly slot: number;
  /** File descriptor that workers write their log to. */
  readonly logFd: number;
}

export interface ForkedProcess {
  readonly worker: Worker;
  /** What user code prints. */
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

/** Forks one worker. Descriptors 0..3 are nothing, two pipes for user output, and IPC; 4 is the daemon's own log. */
export function forkWorker({ nodeArguments, slot, logFd }: ForkOptions): ForkedProcess {
  cluster.setupPrimary({
    exec: WORKER_ENTRY,
    args: [],
    execArgv: [...nodeArguments],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', logFd],
  });
  const worker = cluster.fork({ [OTEL]: [process.env[OTEL], `service.instance.id=${randomUUID()}`, `grpcserverd.slot=${slot}`].filter(Boolean).join(',') });
  return { worker, stdout: worker.process.stdout, stderr: worker.process.stderr };
}
