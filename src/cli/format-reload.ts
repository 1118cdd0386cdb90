import type { ReloadProgress, ReloadReport, ReloadVerdict, WorkerStatus } from '../control/definition.js';

/** A reload as it happens: one line for each change of a worker's state, and for each stage. */
export class ProgressLines {
  readonly #print: (line: string) => void;
  readonly #states = new Map<number, string>();
  #stage = '';

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add({ stage, workers, generation }: ReloadProgress): void {
    if (stage !== this.#stage) {
      this.#stage = stage;
      this.#print(`${stage} (generation ${generation})`);
    }
    for (const worker of workers) {
      const text = describe(worker);
      if (this.#states.get(worker.pid) === text) continue;
      this.#states.set(worker.pid, text);
      this.#print(`  ${text}`);
    }
    const present = new Set(workers.map(({ pid }) => pid));
    for (const [pid, text] of this.#states) {
      if (present.has(pid)) continue;
      this.#states.delete(pid);
      this.#print(`  ${text.replace(/ (?:starting|ready|draining).*$/, ' gone')}`);
    }
  }
}

function describe({ slot, generation, pid, state, inFlight }: WorkerStatus): string {
  const calls = state === 'draining' ? `, ${inFlight} calls left` : '';
  return `worker ${slot} gen ${generation} pid ${pid} ${state}${calls}`;
}

const VERDICTS: Readonly<Record<ReloadVerdict, (generation: number) => string>> = {
  done: (generation) => `Done: generation ${generation} serves`,
  refused: (generation) => `Refused: generation ${generation} serves on, nothing was touched`,
  'rolled-back': (generation) => `Rolled back: generation ${generation} serves on`,
  halted: () => 'Halted half-way: workers of both generations serve',
  'pre-empted': () => 'Pre-empted: the daemon stops',
};

/** The verdict as a person reads it. */
export function formatReport(report: ReloadReport): string {
  const finished = report.drained.reduce((sum, worker) => sum + worker.finished, 0);
  const cut = report.drained.flatMap((worker) => worker.cut.map((call) => ({ ...call, slot: worker.slot })));
  return [
    `${VERDICTS[report.verdict](report.generation)} (${(report.tookMs / 1000).toFixed(1)} s).`,
    ...(report.error === '' ? [] : [`${report.code}: ${report.error}`, report.hint]),
    ...report.drained.map(
      (worker) => `  worker ${worker.slot} gen ${worker.generation} left after ${(worker.tookMs / 1000).toFixed(1)} s, ${worker.finished} calls finished`,
    ),
    ...(report.drained.length > 1 ? [`  ${finished} calls finished in all`] : []),
    ...(cut.length === 0 ? [] : [`Warning: ${cut.length} calls were cut:`]),
    ...cut.map(({ method, peer, ageMs, slot }) => `  ${method} from ${peer}, ${(ageMs / 1000).toFixed(1)} s old, in worker ${slot}`),
    ...(report.restartRequired.length === 0 ? [] : [`Waiting for a restart: ${report.restartRequired.join(', ')}`]),
    '',
  ].join('\n');
}
