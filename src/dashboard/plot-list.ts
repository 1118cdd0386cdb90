/** What each plot shows; pure. */
import type { Sample } from '#src/control/dashboard-feed.js';
import { formatBytes, formatCount, formatMs, formatRate } from './format.js';

export interface Line {
  readonly label: string;
  readonly value: (sample: Sample) => number | null;
}

export interface PlotSpec {
  readonly id: string;
  readonly title: string;
  /** What it says of, for those who cannot see it or wonder. */
  readonly doc: string;
  readonly format: (value: number) => string;
  /** What a minute of samples comes to in its table. */
  readonly inTable: 'mean' | 'most';
  /** The largest value that its axis has at the least. */
  readonly least: number;
  /** It counts things, and there are no halves of them. */
  readonly isWhole?: true;
  /** Its values lie orders of magnitude apart, and none is 0. */
  readonly isLogarithmic?: true;
  /** From all samples in sight: which lines there are may depend on them. */
  readonly lines: (samples: readonly Sample[]) => readonly Line[];
}

/** Codes that have a line of their own. */
const MOST_CODES = 3;
const rate = (count: number, { seconds }: Sample): number => (seconds > 0 ? count / seconds : 0);

/** The codes of the most errors, and one line for all others. */
function errorLines(samples: readonly Sample[]): readonly Line[] {
  const totals = new Map<string, number>();
  for (const { errors } of samples) for (const [code, count] of Object.entries(errors)) totals.set(code, (totals.get(code) ?? 0) + count);
  const codes = [...totals].sort(([, a], [, b]) => b - a).map(([code]) => code);
  const named = codes.slice(0, MOST_CODES).sort();
  const lines = named.map((code): Line => ({ label: code, value: (sample) => rate(sample.errors[code] ?? 0, sample) }));
  if (codes.length === 0) return [{ label: 'none', value: () => 0 }];
  if (codes.length <= MOST_CODES) return lines;
  const others = codes.slice(MOST_CODES);
  return [...lines, { label: 'others', value: (sample) => rate(others.reduce((sum, code) => sum + (sample.errors[code] ?? 0), 0), sample) }];
}

export const PLOTS: readonly PlotSpec[] = [
  {
    id: 'calls', title: 'Calls per second', doc: 'Calls that ended, of all workers', format: formatRate, inTable: 'mean', least: 1,
    lines: () => [{ label: 'all', value: (sample) => rate(sample.calls, sample) }],
  },
  {
    id: 'errors', title: 'Errors per second', doc: 'Calls that ended otherwise than OK, by status', format: formatRate, inTable: 'mean', least: 1,
    lines: errorLines,
  },
  {
    id: 'latency', title: 'Latency', doc: 'Time of the calls that ended, of all methods; read from the buckets of the metrics; the scale is logarithmic', format: formatMs, inTable: 'most', least: 1, isLogarithmic: true,
    lines: () => [{ label: 'p50', value: ({ p50Ms }) => p50Ms }, { label: 'p99', value: ({ p99Ms }) => p99Ms }],
  },
  {
    id: 'in-flight', title: 'Calls in flight', doc: 'Calls that workers work on', format: formatCount, inTable: 'most', least: 4, isWhole: true,
    lines: () => [{ label: 'all', value: ({ inFlight }) => inFlight }],
  },
  {
    id: 'delay', title: 'Event-loop delay', doc: '99th percentile over two seconds, of the worst worker and of the middle one', format: formatMs, inTable: 'most', least: 10,
    lines: () => [{ label: 'median worker', value: ({ medianDelayMs }) => medianDelayMs }, { label: 'worst', value: ({ delayMs }) => delayMs }],
  },
  {
    id: 'memory', title: 'Resident memory', doc: 'Of all workers together, of the largest one, and of the primary', format: formatBytes, inTable: 'most', least: 1e6,
    lines: () => [
      { label: 'workers', value: ({ workersBytes }) => workersBytes },
      { label: 'largest', value: ({ largestBytes }) => largestBytes },
      { label: 'primary', value: ({ primaryBytes }) => primaryBytes },
    ],
  },
];

/** Most lines that a plot may have. */
export const MOST_LINES = MOST_CODES + 1;
