/**
 * Runs in the primary. What comes before a graceful stop when shutdownDelay asks for it: probes and health say that the
 * server goes, and it serves on meanwhile, as well as ever, for whoever has not noticed yet.
 */
import type { Clock } from '../shared/clock.js';
import type { Emit } from '../shared/events.js';
import type { Supervisor } from './supervisor.js';
import type { WorkerHandle } from './worker-handle.js';

export interface DepartureOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly supervisor: Pick<Supervisor, 'workers' | 'phase' | 'plan'>;
  readonly stop: (cause: string, quick: boolean) => void;
  /** What `status` says may be something else. */
  readonly onChange: () => void;
}

export class Departure {
  readonly #options: DepartureOptions;
  /** Puts the stop off no more; null while none is to come. */
  #cancel: (() => void) | null = null;
  readonly #told = new WeakSet<WorkerHandle>();

  constructor(options: DepartureOptions) {
    this.#options = options;
  }

  /** A stop is to come, or has begun. */
  get isLeaving(): boolean {
    return this.#cancel !== null;
  }

  /** @param quick at once, also when a stop is put off */
  stop(cause: string, quick: boolean): void {
    const { clock, emit, supervisor, stop, onChange } = this.#options;
    const { shutdownDelay: delay } = supervisor.plan.generation.config;
    if (this.#cancel !== null && !quick) return;
    // Whoever has no worker to serve with yet has nobody to send away.
    if (quick || delay === 0 || supervisor.phase === 'stopping' || !supervisor.workers.some(({ state }) => state === 'ready')) {
      this.#cancel?.();
      stop(cause, quick);
      return;
    }
    emit('daemon.leaving', { cause, ms: delay });
    this.#cancel = clock.after(delay, () => stop(cause, false));
    this.noteChange();
    onChange();
  }

  /** Workers that become ready meanwhile, because another one crashed, have to be told as well. */
  noteChange(): void {
    if (!this.isLeaving) return;
    for (const worker of this.#options.supervisor.workers) {
      if (worker.state !== 'ready' || this.#told.has(worker)) continue;
      this.#told.add(worker);
      worker.send({ type: 'announce-stop' });
    }
  }
}
