import type { UpgradeProgress, UpgradeReport, UpgradeStage, UpgradeVerdict } from '../control/definition.js';

/** The most lines of what the new daemon printed that are shown. */
const DETAIL_LINES = 12;

const STAGES: Readonly<Record<UpgradeStage, (progress: UpgradeProgress) => string>> = {
  checking: () => 'checking',
  starting: (progress) => `starting ${describe(progress)}`,
  'taking-over': () => 'taking over',
  draining: () => 'draining the old one',
};

/** An upgrade as it happens: a line for each stage. */
export class UpgradeLines {
  readonly #print: (line: string) => void;
  #stage: UpgradeStage | null = null;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add(progress: UpgradeProgress): void {
    if (progress.stage === this.#stage) return;
    this.#stage = progress.stage;
    this.#print(STAGES[progress.stage](progress));
  }
}

const VERDICTS: Readonly<Record<UpgradeVerdict, (report: UpgradeReport) => string>> = {
  done: (report) => `Done: ${describe(report)} serves`,
  refused: ({ pid }) => `Refused: pid ${pid} serves on, nothing was touched`,
  failed: ({ pid }) => `Failed: pid ${pid} serves on`,
  'pre-empted': () => 'Pre-empted: the daemon stops',
};

/** The verdict as a person reads it. */
export function formatUpgrade(report: UpgradeReport): string {
  return [
    `${VERDICTS[report.verdict](report)} (${(report.tookMs / 1000).toFixed(1)} s).`,
    ...(report.error === '' ? [] : [`${report.code}: ${report.error}`, report.hint]),
    ...report.detail.split('\n').slice(0, DETAIL_LINES).filter((line) => line !== ''),
    ...(report.cut === 0 ? [] : [`Warning: ${report.cut} calls were cut; the log names them.`]),
    '',
  ].join('\n');
}

function describe({ version, node, pid }: Pick<UpgradeProgress, 'version' | 'node' | 'pid'>): string {
  return `grpcserverd ${version}${node === '' ? '' : ` on Node ${node}`}, pid ${pid}`;
}
