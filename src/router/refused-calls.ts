/** Runs in a router. What calls are answered that no worker gets, and how many there were. */
import { OVER_CALL_LIMIT, unavailable } from '../front/own-answers.js';
import type { Refusals } from '../ipc/router-messages.js';

const QUEUE_FULL = unavailable('No worker is ready, and too many calls wait for one.');

export class RefusedCalls {
  readonly #counts: { -readonly [Reason in keyof Refusals]: number } = { limit: 0, 'no-worker': 0, 'queue-full': 0 };

  /** Since the start. */
  get counts(): Refusals {
    return { ...this.#counts };
  }

  // Each counts one more, and returns a whole answer.

  overLimit(): Buffer {
    this.#counts.limit += 1;
    return OVER_CALL_LIMIT;
  }

  queueFull(): Buffer {
    this.#counts['queue-full'] += 1;
    return QUEUE_FULL;
  }

  /** @param ms that it has waited */
  noWorker(ms: number): Buffer {
    this.#counts['no-worker'] += 1;
    return unavailable(`No worker was ready within ${ms / 1000} s.`);
  }
}
