/**
 * Runs in the primary. When a first start is a failure: at once when a worker fails for good, else when no worker
 * is ready after two start timeouts; beside a daemon that serves, already when a worker has failed twice
 * (worker-reports.ts). The first error is the one that is reported.
 */
import { DaemonError } from '../shared/errors.js';

/** How many start timeouts a fleet may take until it has its first ready worker. */
const START_TIMEOUTS = 2;

export class FirstBoot {
  readonly #startTimeout: number;
  /** On the steady clock, in milliseconds. */
  readonly deadline: number;
  #firstError: DaemonError | null = null;

  constructor(now: number, startTimeout: number) {
    this.#startTimeout = startTimeout;
    this.deadline = now + START_TIMEOUTS * startTimeout;
  }

  /** Notes an error that a worker reported. */
  note(error: DaemonError): void {
    this.#firstError ??= error;
  }

  /** What the daemon ends with. */
  verdict(): DaemonError {
    return (
      this.#firstError ??
      new DaemonError('E_WORKER_BOOT', `No worker became ready within startTimeout (${this.#startTimeout} ms)`, {
        hint: 'Look for a servicer that blocks while it loads, or raise startTimeout.',
      })
    );
  }
}
