/** The samples as columns that uPlot takes, with a hole wherever nobody told anything; pure. */
import type { Sample } from '#src/control/dashboard-feed.js';
import type { Line } from './plot-list.js';

/** Longest time between the end of a sample and the beginning of the next that is no hole, in milliseconds. */
const LONGEST_PAUSE = 4000;

type Column = (number | null)[];

/** Seconds since the epoch, then a column for each of `columns` lines; those that are not there stay empty. */
export function plotData(samples: readonly Sample[], lines: readonly Line[], columns: number): [number[], ...Column[]] {
  const times: number[] = [];
  const values = Array.from({ length: columns }, (): Column => []);
  let end = Infinity;
  for (const sample of samples) {
    const start = sample.at - sample.seconds * 1000;
    if (start - end > LONGEST_PAUSE) {
      times.push((end + start) / 2000);
      for (const column of values) column.push(null);
    }
    times.push(sample.at / 1000);
    for (const [index, column] of values.entries()) column.push(lines[index]?.value(sample) ?? null);
    end = sample.at;
  }
  return [times, ...values];
}

/** The sample that a moment belongs to: the nearest within ten seconds, or null. */
export function sampleAt(samples: readonly Sample[], at: number): Sample | null {
  let nearest: Sample | null = null;
  for (const sample of samples) if (Math.abs(sample.at - at) < Math.abs((nearest?.at ?? -Infinity) - at)) nearest = sample;
  return nearest !== null && Math.abs(nearest.at - at) <= 10_000 ? nearest : null;
}
