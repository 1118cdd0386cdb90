/** Runs in a worker: counts what load reports tell of calls; src/primary/server-load.ts adds up what all workers have. */
import { status } from '@grpc/grpc-js';
import type { ServedLoad } from '../../ipc/messages.js';
import { isObserving } from '../../shared/observing-calls.js';

/**
 * Ends for which the server is to blame, or its load; the others are answers that any server would have given. Those
 * that OpenTelemetry counts as errors of servers (semantic conventions for gRPC), and what is over a limit: a server
 * that refuses at once must not look like one that is fast.
 */
const FAILURES: ReadonlySet<number> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

export class ServedCalls {
  #ended = 0;
  #failed = 0;

  /** A call has ended. @param path `/pkg.Svc/Method` */
  noteEnded(path: string, code: number): void {
    if (isObserving(path)) return;
    this.#ended += 1;
    if (FAILURES.has(code)) this.#failed += 1;
  }

  /** @param calls those in flight */
  figures(calls: Iterable<{ readonly path: string }>): ServedLoad {
    let inFlight = 0;
    for (const { path } of calls) if (!isObserving(path)) inFlight += 1;
    return { inFlight, ended: this.#ended, failed: this.#failed };
  }
}
