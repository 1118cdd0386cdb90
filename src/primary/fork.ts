/**
 * Runs in the primary; the only file that imports node:cluster here. The other halves are src/worker/main.ts and
 * src/router/main.ts, which are known to the primary as URLs and nothing more.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const ENTRIES = {
  worker: fileURLToPath(new URL('../worker/main.js', import.meta.url)),
  router: fileURLToPath(new URL('../router/main.js', import.meta.url)),
};

export interface ForkOptions {
  readonly nodeArguments: readonly string[];
  /** File descriptor that workers write their log to. */
  readonly logFd: number;
}

export interface ForkedProcess {
  readonly worker: Worker;
  /** What user code prints. */
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

/** Forks a worker, or a router. Descriptors 0..3 are nothing, two pipes for user output, and IPC; 4 is the daemon's own log. */
export function forkChild(role: keyof typeof ENTRIES, { nodeArguments, logFd }: ForkOptions): ForkedProcess {
  cluster.setupPrimary({
    exec: ENTRIES[role],
    args: [],
    execArgv: [...nodeArguments],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', logFd],
  });
  const worker = cluster.fork();
  return { worker, stdout: worker.process.stdout, stderr: worker.process.stderr };
}
