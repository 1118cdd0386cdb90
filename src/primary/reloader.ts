/**
 * Runs in the primary. A reload from the wish to the verdict: read and check the settings in a child, open a new
 * port where one is wanted, let the supervisor roll the fleet over, commit or go back, report. One at a time, and
 * at most one more that waits; whoever asks meanwhile shares its verdict.
 */
import type { ReloadReport, ReloadStage, ReloadVerdict } from '../control/definition.js';
import type { Clock } from '../shared/clock.js';
import { DaemonError } from '../shared/errors.js';
import type { Emit } from '../shared/events.js';
import type { Generation } from './generation.js';
import type { RollResult } from './plan.js';
import type { Supervisor } from './supervisor.js';

/** A generation that is ready to be rolled out, and what goes with it. */
export interface Prepared {
  readonly generation: Generation;
  /** Options whose new values wait for a restart. */
  readonly restartRequired: readonly string[];
  /** Makes what belongs to the generation count: the port, the log level, the limits. */
  commit(): void;
  /** Takes back what was opened for it. */
  discard(): void;
}

export interface ReloaderOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly supervisor: Supervisor;
  /** Reads the settings again, or with `sameConfig` the very same. @throws DaemonError when they are not valid */
  readonly prepare: (sameConfig: boolean) => Promise<Prepared>;
  /** Each wish that is begun also ends. */
  readonly onBegan: () => void;
  readonly onEnded: (report: ReloadReport) => void;
}

interface Wish {
  readonly cause: string;
  readonly sameConfig: boolean;
  readonly report: Promise<ReloadReport>;
  readonly settle: (report: ReloadReport) => void;
}

export class Reloader {
  readonly #options: ReloaderOptions;
  #running: Wish | null = null;
  #waiting: Wish | null = null;
  #last: ReloadReport | null = null;
  #restartRequired: readonly string[] = [];

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /** The last reload that ended. */
  get last(): ReloadReport | null {
    return this.#last;
  }

  /** Options whose values in the config wait for a restart. */
  get restartRequired(): readonly string[] {
    return this.#restartRequired;
  }

  /** What runs now, and how far it is. */
  get progress(): { readonly cause: string; readonly stage: ReloadStage } | null {
    if (this.#running === null) return null;
    return { cause: this.#running.cause, stage: this.#options.supervisor.plan.rollout?.stage ?? 'checking' };
  }

  /** Resolves when no reload runs or waits. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running.report;
  }

  /** Asks for a reload; resolves with its verdict, and never rejects. */
  request(cause: string, sameConfig = false): Promise<ReloadReport> {
    if (this.#running === null) return this.#begin(makeWish(cause, sameConfig));
    // One that has not begun reads everything anew anyway.
    if (this.#waiting?.sameConfig === true && !sameConfig) this.#waiting = { ...this.#waiting, sameConfig: false };
    this.#waiting ??= makeWish(cause, sameConfig);
    return this.#waiting.report;
  }

  #begin(wish: Wish): Promise<ReloadReport> {
    this.#running = wish;
    this.#options.onBegan();
    void this.#run(wish).then((report) => {
      this.#last = report;
      this.#options.onEnded(report);
      this.#running = null;
      wish.settle(report);
      const next = this.#waiting;
      this.#waiting = null;
      if (next !== null) void this.#begin(next);
    });
    return wish.report;
  }

  async #run({ cause, sameConfig }: Wish): Promise<ReloadReport> {
    const { clock, supervisor, prepare } = this.#options;
    const startedAt = clock.monotonic();
    // A reload that is asked for while the daemon boots waits for the fleet that it is to replace.
    if (!(await supervisor.served)) return this.#report(cause, 'pre-empted', startedAt, null, []);
    let prepared: Prepared;
    try {
      prepared = await prepare(sameConfig);
    } catch (error) {
      return this.#report(cause, 'refused', startedAt, DaemonError.from(error), []);
    }
    this.#restartRequired = prepared.restartRequired;
    const result = await supervisor.roll(prepared.generation, cause, () => prepared.commit());
    if (result.verdict !== 'done') prepared.discard();
    return this.#report(cause, result.verdict, startedAt, result.error, result.drained);
  }

  #report(
    cause: string,
    verdict: ReloadVerdict,
    startedAt: number,
    error: DaemonError | null,
    drained: RollResult['drained'],
  ): ReloadReport {
    const { clock, emit, supervisor } = this.#options;
    const tookMs = Math.round(clock.monotonic() - startedAt);
    const { generation } = supervisor.plan.goal;
    const finished = drained.reduce((sum, worker) => sum + worker.finished, 0);
    const cut = drained.reduce((sum, worker) => sum + worker.cut.length, 0);
    emit(
      'reload.ended',
      { cause, verdict, generation, ms: tookMs, error: error?.message ?? null, hint: error?.hint ?? null, finished, cut },
      verdict === 'done' ? 'info' : verdict === 'pre-empted' ? 'warn' : 'error',
    );
    return {
      verdict,
      cause,
      generation,
      endedAt: clock.now(),
      tookMs,
      error: error?.message ?? '',
      hint: error?.hint ?? '',
      code: error?.code ?? '',
      drained,
      restartRequired: this.#restartRequired,
    };
  }
}

function makeWish(cause: string, sameConfig: boolean): Wish {
  let settle!: (report: ReloadReport) => void;
  const report = new Promise<ReloadReport>((resolve) => {
    settle = resolve;
  });
  return { cause, sameConfig, report, settle };
}
