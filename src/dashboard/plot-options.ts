/** Runs in the browser. How uPlot draws our plots: the time line, three or four lines of a grid, no frame. */
import { formatMinute } from './format.js';
import { MOST_LINES, type PlotSpec } from './plot-list.js';
import { DASHES, type Theme } from './theme.js';

export const PLOT_HEIGHT = 148;
/** Room for the largest figure, so that the plots stay in line, whatever they show. */
const AXIS_WIDTH = 54;

/** Between two lines of the grid of what can only be counted. */
const WHOLE = [1, 10, 100, 1e3, 1e4, 1e5].flatMap((power) => [power, 2 * power, 5 * power]);

/** uPlot's types have this number in an enum that exists in types alone. */
const LOGARITHMIC = 3 as unknown as uPlot.Scale.Distr;

export interface PlotSources {
  readonly theme: () => Theme;
  /** From when to when; milliseconds since the epoch. */
  readonly range: () => readonly [number, number];
  readonly onDraw: (plot: uPlot) => void;
  readonly onPoint: (plot: uPlot) => void;
}

export function plotOptions({ format, least, isWhole, isLogarithmic }: PlotSpec, width: number, { theme, range, onDraw, onPoint }: PlotSources): uPlot.Options {
  const axis = { stroke: () => theme().muted, font: theme().font, grid: { stroke: () => theme().grid, width: 1 }, ticks: { show: false } };
  const lines: Partial<uPlot.Axis> = isLogarithmic === true ? { splits: (_plot, _axis, low, high) => powersBetween(low, high), filter: (_plot, splits) => splits } : isWhole === true ? { incrs: WHOLE } : {};
  return {
    width,
    height: PLOT_HEIGHT,
    padding: [8, 6, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 6 } },
    scales: {
      x: { time: true, range: () => [range()[0] / 1000, range()[1] / 1000] },
      y: isLogarithmic === true ? { distr: LOGARITHMIC, range: (_plot, low, high) => powers(low, high) } : { range: (_plot, _low, high) => [0, ceiling(Math.max(high, least))] },
    },
    axes: [
      { ...axis, size: 24, gap: 4, space: 60, incrs: [60, 120, 180, 300], values: (_plot, splits) => splits.map((second) => formatMinute(second * 1000)), grid: { show: false } },
      { ...axis, size: AXIS_WIDTH, gap: 6, space: 34, values: (_plot, splits) => splits.map((value) => format(value).replace(/\.0(?=\D|$)/, '')), ...lines },
    ],
    series: [
      {},
      ...Array.from({ length: MOST_LINES }, (_, line): uPlot.Series => ({
        stroke: () => theme().lines[line] ?? theme().ink,
        width: 1.5,
        dash: [...(DASHES[line] ?? [])],
        spanGaps: false,
        points: { show: false },
        ...(line === 0 ? { fill: () => theme().fill } : {}),
      })),
    ],
    hooks: { draw: [onDraw], setCursor: [onPoint] },
  };
}

/** A round number above the value, so that the axis does not tremble with every sample. */
function ceiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value * 1.05) ?? 12;
  return step * power;
}

/** The powers of ten around the values, three of them at the least; without values, a millisecond to a second. */
function powers(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || low <= 0) return [1, 1000];
  const first = 10 ** Math.floor(Math.log10(low));
  return [first, Math.max(100 * first, 10 ** Math.ceil(Math.log10(high)))];
}

function powersBetween(low: number, high: number): number[] {
  const first = Math.round(Math.log10(low));
  return Array.from({ length: Math.round(Math.log10(high)) - first + 1 }, (_, power) => 10 ** (first + power));
}
