/** The table beside a plot: one row for each minute, newest first; pure. */
import type { Sample } from '#src/control/dashboard-feed.js';
import type { Line, PlotSpec } from './plot-list.js';

const MINUTE = 60_000;

export interface MinuteRow {
  /** Its beginning. */
  readonly at: number;
  /** Of each line; null when there was nothing. */
  readonly values: readonly (number | null)[];
}

export function minuteRows(samples: readonly Sample[], lines: readonly Line[], inTable: PlotSpec['inTable']): readonly MinuteRow[] {
  const minutes = new Map<number, Sample[]>();
  for (const sample of samples) {
    const minute = Math.floor(sample.at / MINUTE) * MINUTE;
    const own = minutes.get(minute);
    if (own === undefined) minutes.set(minute, [sample]);
    else own.push(sample);
  }
  return [...minutes]
    .sort(([a], [b]) => b - a)
    .map(([at, own]) => ({ at, values: lines.map((line) => summarize(own.map((sample) => [line.value(sample), sample.seconds]), inTable)) }));
}

/** Of values with how long each was true. */
function summarize(values: readonly (readonly [number | null, number])[], how: PlotSpec['inTable']): number | null {
  const known = values.flatMap(([value, seconds]) => (value === null ? [] : [{ value, seconds }]));
  if (known.length === 0) return null;
  if (how === 'most') return Math.max(...known.map(({ value }) => value));
  const seconds = known.reduce((sum, each) => sum + each.seconds, 0);
  return seconds === 0 ? null : known.reduce((sum, each) => sum + each.value * each.seconds, 0) / seconds;
}
