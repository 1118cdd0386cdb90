import type { WorkerStatus } from '../control/definition.js';
import { formatAge, formatBytes, formatCount, formatRate, formatTime } from './figures.js';
import { plain, type Style } from './output.js';

interface Column {
  readonly title: string;
  readonly cell: (worker: WorkerStatus) => string;
  /** What rows are sorted by. */
  readonly rank: (worker: WorkerStatus) => number | string;
  /** Which end of the column comes first when rows are sorted by it. */
  readonly first: 'smallest' | 'largest';
  /** Left out where it is narrow. */
  readonly isExtra?: true;
}

/** A worker this long without a heartbeat, in seconds, has missed one. */
const LATE = 4;

/** A figure that a heartbeat brings; a worker that starts has sent none. */
const measured = (format: (worker: WorkerStatus) => string) => (worker: WorkerStatus): string =>
  worker.state === 'starting' ? '-' : format(worker);

export const COLUMNS: readonly Column[] = [
  { title: 'SLOT', cell: ({ slot }) => String(slot), rank: ({ slot }) => slot, first: 'smallest' },
  { title: 'PID', cell: ({ pid }) => (pid === 0 ? '-' : String(pid)), rank: ({ pid }) => pid, first: 'smallest' },
  { title: 'GEN', cell: ({ generation }) => String(generation), rank: ({ generation }) => generation, first: 'largest' },
  { title: 'STATE', cell: ({ state }) => state, rank: ({ state }) => state, first: 'smallest' },
  { title: 'UPTIME', cell: ({ uptimeSeconds }) => formatAge(uptimeSeconds), rank: ({ uptimeSeconds }) => uptimeSeconds, first: 'largest' },
  { title: 'RESTARTS', cell: ({ restarts }) => String(restarts), rank: ({ restarts }) => restarts, first: 'largest' },
  { title: 'CONNS', cell: ({ connections }) => formatCount(connections), rank: ({ connections }) => connections, first: 'largest' },
  { title: 'CALLS', cell: measured(({ inFlight }) => formatCount(inFlight)), rank: ({ inFlight }) => inFlight, first: 'largest' },
  { title: 'CALLS/S', cell: measured(({ callsPerSecond }) => formatRate(callsPerSecond)), rank: ({ callsPerSecond }) => callsPerSecond, first: 'largest' },
  { title: 'P99', cell: measured(({ p99Ms }) => formatTime(p99Ms)), rank: ({ p99Ms }) => p99Ms, first: 'largest' },
  { title: 'DELAY', cell: measured(({ eventLoopDelayMs }) => formatTime(eventLoopDelayMs)), rank: ({ eventLoopDelayMs }) => eventLoopDelayMs, first: 'largest' },
  {
    title: 'BUSY', isExtra: true, first: 'largest',
    cell: measured(({ eventLoopUtilization }) => `${(eventLoopUtilization * 100).toFixed(0)}%`), rank: ({ eventLoopUtilization }) => eventLoopUtilization,
  },
  { title: 'RSS', cell: measured(({ rssBytes }) => formatBytes(rssBytes)), rank: ({ rssBytes }) => rssBytes, first: 'largest' },
];

export interface TableOptions {
  /** Columns of the screen; Infinity where nobody counts them. */
  readonly width: number;
  readonly style: Style;
  /** Index in COLUMNS. */
  readonly sort?: number;
}

/**
 * The workers, one row each, with what is special about a worker in lines below its own.
 * @returns the line of titles, then for each worker its lines
 */
export function workerTable(workers: readonly WorkerStatus[], { width, style, sort = 0 }: TableOptions): { titles: string; rows: string[][] } {
  const sorted = sortWorkers(workers, sort);
  const all = layOut(sorted, COLUMNS);
  const { columns, widths } = total(all.widths, 2) <= width ? all : layOut(sorted, COLUMNS.filter(({ isExtra }) => isExtra !== true));
  const gap = total(widths, 2) <= width ? '  ' : ' ';
  const line = (cells: (column: Column, padded: (text: string) => string) => string): string =>
    columns.map((column, index) => cells(column, (text) => pad(column, text, widths[index] ?? 0))).join(gap).trimEnd();
  return {
    titles: line((column, padded) => (column === COLUMNS[sort] ? style.bold : style.dim)(padded(column.title))),
    rows: sorted.map((worker) => [
      line((column, padded) => (column.title === 'STATE' ? paintState(worker, style)(padded(column.cell(worker))) : padded(column.cell(worker)))),
      ...notesOf(worker).map((note) => `     ${style.yellow(note)}`),
    ]),
  };
}

function layOut(workers: readonly WorkerStatus[], columns: readonly Column[]): { columns: readonly Column[]; widths: number[] } {
  return { columns, widths: columns.map(({ title, cell }) => Math.max(title.length, ...workers.map((worker) => cell(worker).length))) };
}

const total = (widths: readonly number[], gap: number): number => widths.reduce((sum, width) => sum + width, gap * (widths.length - 1));

const pad = ({ title }: Column, text: string, width: number): string => (title === 'STATE' ? text.padEnd(width) : text.padStart(width));

function sortWorkers(workers: readonly WorkerStatus[], sort: number): WorkerStatus[] {
  const { rank, first } = COLUMNS[sort] ?? { rank: () => 0, first: 'smallest' };
  const sign = first === 'smallest' ? 1 : -1;
  // Equal ones stay by slot, as they come.
  return [...workers].sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x === y ? 0 : x < y ? -sign : sign;
  });
}

function paintState({ state, heartbeatAgeSeconds }: WorkerStatus, { green, yellow, red }: Style): (text: string) => string {
  if (heartbeatAgeSeconds > LATE) return red;
  return state === 'ready' ? green : yellow;
}

/** What makes this worker different from one that just serves. */
function notesOf(worker: WorkerStatus): string[] {
  const { state, cause, inFlight, oldestCall, secondsLeft, heartbeatAgeSeconds, admitted, inspection } = worker;
  const notes: string[] = [];
  if (state === 'draining') {
    const calls = inFlight === 0 ? 'no calls left' : inFlight === 1 ? '1 call left' : `${inFlight} calls left`;
    const oldest = oldestCall === null ? '' : `, oldest ${oldestCall.method} ${formatTime(oldestCall.ageMs)} old`;
    notes.push(`leaves (${cause}): ${calls}${oldest}, ${formatAge(secondsLeft)} to go`);
  }
  if (heartbeatAgeSeconds > LATE) notes.push(`no sign of life for ${formatAge(heartbeatAgeSeconds)}: its figures are that old`);
  if (inspection !== '') notes.push(inspection);
  if (state === 'ready' && !admitted) notes.push('takes no new calls');
  return notes.map(plain);
}
