import type { Status, WorkerStatus } from '../control/definition.js';

const COLUMNS: readonly [title: string, cell: (worker: WorkerStatus) => string][] = [
  ['SLOT', (worker) => String(worker.slot)],
  ['PID', (worker) => String(worker.pid)],
  ['STATE', (worker) => (worker.cause === '' ? worker.state : `${worker.state} (${worker.cause})`)],
  ['GEN', (worker) => String(worker.generation)],
  ['UPTIME', (worker) => formatAge(worker.uptimeSeconds)],
  ['RESTARTS', (worker) => String(worker.restarts)],
  ['CONNS', (worker) => String(worker.connections)],
  ['CALLS', (worker) => `${worker.inFlight} now, ${worker.calls} in all`],
  ['LOOP DELAY', (worker) => `${worker.eventLoopDelayMs.toFixed(1)} ms`],
  ['RSS', (worker) => `${(worker.rssBytes / 1e6).toFixed(0)} MB`],
];

/** The status as a person reads it. */
export function formatStatus(status: Status): string {
  const { name, health, primary, goal, address, tls, services, workers, problems } = status;
  const rows = [COLUMNS.map(([title]) => title), ...workers.map((worker) => COLUMNS.map(([, cell]) => cell(worker)))];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd());
  return [
    `${name}: ${health}, generation ${primary.generation}, up ${formatAge(primary.uptimeSeconds)}, primary pid ${primary.pid}`,
    `${address}${tls ? ' (TLS)' : ''}, ${readySlots(workers)} of ${goal.workers} workers ready`,
    `services: ${services.join(', ') || 'none yet'}`,
    ...problems.map((problem) => `! ${problem}`),
    '',
    ...table,
    '',
  ].join('\n');
}

/** During a reload a slot may have two ready workers. */
function readySlots(workers: readonly WorkerStatus[]): number {
  return new Set(workers.filter(({ state }) => state === 'ready').map(({ slot }) => slot)).size;
}

/** 75 seconds become `1m15s`. */
export function formatAge(seconds: number): string {
  const whole = Math.floor(seconds);
  const units: [string, number][] = [['d', 86_400], ['h', 3600], ['m', 60], ['s', 1]];
  const first = units.findIndex(([, size]) => whole >= size);
  if (first === -1) return '0s';
  let rest = whole;
  return units
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return `${count}${unit}`;
    })
    .join('');
}
