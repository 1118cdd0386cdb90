/** Runs in the primary. Counts what has happened to the fleet, from the events that are logged of it. */
import type { ReloadVerdict } from '../../control/definition.js';
import type { Emit, EventName } from '../../shared/events.js';

/** By the cause that is logged. */
const REASONS: Readonly<Record<string, RestartReason>> = {
  crash: 'crash', uncaughtException: 'fault', unhandledRejection: 'fault', silent: 'hang', startTimeout: 'start_timeout', SIGTERM: 'signal',
  reload: 'reload', maxCallsPerWorker: 'max_rpcs', maxWorkerAge: 'max_age', maxWorkerMemory: 'max_memory',
};
export const RESTART_REASONS = ['crash', 'fault', 'hang', 'start_timeout', 'signal', 'reload', 'max_rpcs', 'max_age', 'max_memory', 'other'] as const;
export type RestartReason = (typeof RESTART_REASONS)[number];
export const VERDICTS = ['done', 'refused', 'rolled-back', 'halted', 'pre-empted'] as const satisfies readonly ReloadVerdict[];

type Fields = Readonly<Record<string, unknown>>;

/** Upper ends of the buckets for drains, in seconds. */
export const DRAIN_BUCKETS = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

export class History {
  readonly restarts: Record<RestartReason, number> = zeros(RESTART_REASONS);
  readonly reloads: Record<ReloadVerdict, number> = zeros(VERDICTS);
  /** By DRAIN_BUCKETS, and one for what took longer. */
  readonly drains: number[] = new Array<number>(DRAIN_BUCKETS.length + 1).fill(0);
  drainSeconds = 0;
  forcedDrains = 0;
  cut = 0;
  /** Why the newest worker of a slot left, or has to. */
  readonly #causes = new Map<unknown, string>();

  readonly #counted: Partial<Record<EventName, (fields: Fields) => void>> = {
    'worker.starting': ({ slot, cause }) => this.#restarted(slot, String(cause)),
    'worker.silent': ({ slot }) => void this.#causes.set(slot, 'silent'),
    'worker.draining': ({ slot, cause }) => void this.#causes.set(slot, String(cause)),
    'worker.gone': ({ slot, cause }) => void this.#causes.set(slot, String(cause)),
    'worker.drained': ({ ms, cut }) => this.#drained(Number(ms) / 1000, Number(cut)),
    'worker.killed': ({ cause }) => {
      if (String(cause).startsWith('did not leave')) this.forcedDrains += 1;
    },
    // The table of events says that it is one.
    'reload.ended': ({ verdict }) => void (this.reloads[verdict as ReloadVerdict] += 1),
  };

  /** Passes events on, and counts them. */
  noting(emit: Emit): Emit {
    return (name, fields, level) => {
      emit(name, fields, level);
      this.#counted[name]?.(fields);
    };
  }

  /** `crash` is said of every worker that was not meant to go; how the one before it ended tells more. */
  #restarted(slot: unknown, cause: string): void {
    if (cause === 'boot' || cause === 'scale') return;
    const why = cause === 'crash' ? (this.#causes.get(slot) ?? cause) : cause;
    this.restarts[REASONS[why] ?? 'other'] += 1;
  }

  #drained(seconds: number, cut: number): void {
    const bucket = DRAIN_BUCKETS.findIndex((end) => seconds <= end);
    const index = bucket === -1 ? DRAIN_BUCKETS.length : bucket;
    this.drains[index] = (this.drains[index] ?? 0) + 1;
    this.drainSeconds += seconds;
    this.cut += cut;
  }
}

function zeros<Key extends string>(keys: readonly Key[]): Record<Key, number> {
  // fromEntries forgets what its keys are.
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
}
