/** Runs in the primary. How far the daemon is between its start and its end, and how it ends. */
import type { Clock } from '../shared/clock.js';
import { deferred } from '../shared/deferred.js';
import type { DaemonError } from '../shared/errors.js';
import type { Emit } from '../shared/events.js';
import { EXIT } from '../shared/exit-codes.js';
import { FirstBoot } from './first-boot.js';
import type { Fleet } from './fleet.js';

export type Phase = 'booting' | 'serving' | 'stopping';

export interface Outcome {
  readonly exitCode: number;
  /** Why the daemon had to end; null after a stop that was asked for. */
  readonly error: DaemonError | null;
  /** Calls that were cut while workers left. */
  readonly cut: number;
}

export interface PhasesParts {
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly emit: Emit;
  /** In milliseconds. */
  readonly startTimeout: number;
  /** Each is called once at the most. */
  readonly onServing: () => void;
  /** A stop leaves the calls less time than workers that drain already were told. */
  readonly onHurry: (cause: string) => void;
  readonly onStopping: () => void;
}

export class Phases {
  readonly #parts: PhasesParts;
  readonly #firstBoot: FirstBoot;
  readonly #served = deferred<boolean>();
  readonly #finished = deferred<Outcome>();
  #current: Phase = 'booting';
  #stopKind: 'graceful' | 'quick' = 'graceful';
  #fatal: DaemonError | null = null;
  #cut = 0;

  constructor(parts: PhasesParts) {
    this.#parts = parts;
    this.#firstBoot = new FirstBoot(parts.clock.monotonic(), parts.startTimeout);
  }

  get current(): Phase {
    return this.#current;
  }

  get stopKind(): 'graceful' | 'quick' {
    return this.#stopKind;
  }

  /** Resolves when the first start is over: true when it serves, false when it is going to stop instead. */
  get served(): Promise<boolean> {
    return this.#served.promise;
  }

  get finished(): Promise<Outcome> {
    return this.#finished.promise;
  }

  /** Until when the first start has to be over, on the steady clock in milliseconds; Infinity once it is. */
  get deadline(): number {
    return this.#current === 'booting' ? this.#firstBoot.deadline : Infinity;
  }

  /** An error that a first start may end with. */
  noteError(error: DaemonError): void {
    this.#firstBoot.note(error);
  }

  noteCut(calls: number): void {
    this.#cut += calls;
  }

  /** The fleet may have become complete. @param workers how many are wanted */
  noteReady(workers: number): void {
    if (this.#current === 'booting' && this.#parts.fleet.ready().length === workers) this.#serve();
  }

  /** The first start may have taken too long; with one ready worker, it serves. */
  noteTime(): void {
    if (this.#parts.clock.monotonic() < this.deadline) return;
    if (this.#parts.fleet.ready().length === 0) this.giveUp();
    else this.#serve();
  }

  /** Ends a first start that has come to nothing; while one worker is ready, the daemon never gives up. */
  giveUp(): void {
    if (this.#current !== 'booting' || this.#parts.fleet.ready().length > 0) return;
    this.#fatal = this.#firstBoot.verdict();
    this.#beginStop();
  }

  /** @param quick give the calls in flight two seconds; also speeds up a stop that is under way */
  stop(cause: string, quick: boolean): void {
    const isFirst = this.#current !== 'stopping';
    const isFaster = quick && this.#stopKind === 'graceful';
    if (!isFirst && !isFaster) return;
    this.#parts.emit('daemon.stopping', { cause, quick });
    if (isFaster) {
      this.#stopKind = 'quick';
      this.#parts.onHurry(cause);
    }
    if (isFirst) this.#beginStop();
  }

  /** A worker may have been the last one. */
  noteGone(): void {
    if (this.#current !== 'stopping' || this.#parts.fleet.size > 0) return;
    const error = this.#fatal;
    this.#finished.resolve({ exitCode: error?.exitCode ?? EXIT.ok, error, cut: this.#cut });
  }

  #serve(): void {
    this.#current = 'serving';
    this.#parts.onServing();
    this.#served.resolve(true);
  }

  #beginStop(): void {
    this.#current = 'stopping';
    this.#served.resolve(false);
    this.#parts.onStopping();
  }
}
