/**
 * Runs in the primary. One reload while it runs: which generation takes over from which, how far it is, and what a
 * failure means. Pure; the supervisor tells it what happened and asks it what to allow.
 */
import type { DaemonError } from '../shared/errors.js';

export type RolloutStage = 'canary' | 'starting' | 'draining';

/** How a failure of a new worker is answered. */
export type Setback =
  /** Once: it may have been bad luck. */
  | 'retry'
  /** No old worker has left: the old generation goes on as if nothing had happened. */
  | 'roll-back'
  /** Old workers have left already: what serves, of both generations, goes on. */
  | 'halt';

export class Rollout {
  readonly from: number;
  readonly to: number;
  readonly cause: string;
  #stage: RolloutStage = 'canary';
  #failures = 0;
  #hasWithdrawn = false;
  #error: DaemonError | null = null;

  constructor(from: number, to: number, cause: string) {
    this.from = from;
    this.to = to;
    this.cause = cause;
  }

  get stage(): RolloutStage {
    return this.#stage;
  }

  /** The first error of a new worker. */
  get error(): DaemonError | null {
    return this.#error;
  }

  /** The first worker of the new generation is ready: the others may start. */
  canaryProven(): void {
    if (this.#stage === 'canary') this.#stage = 'starting';
  }

  /** A worker of the old generation was told to leave. */
  withdrew(): void {
    this.#hasWithdrawn = true;
  }

  /** The whole new generation is ready. */
  complete(): void {
    this.#stage = 'draining';
  }

  /** A new worker says why it cannot start; its exit follows. */
  noteError(error: DaemonError): void {
    this.#error ??= error;
  }

  /** A new worker ended without being asked. @param permanent trying again is in vain */
  noteFailure(error: DaemonError, permanent: boolean): Setback | null {
    this.#error ??= error;
    if (this.#stage === 'draining') return null;
    this.#failures += 1;
    if (this.#failures === 1 && !permanent) return 'retry';
    return this.#hasWithdrawn ? 'halt' : 'roll-back';
  }
}
