import type { Status } from '../control/definition.js';
import { formatAge } from './figures.js';
import { clip, plain, wrap, type Style } from './output.js';
import { describeExpiry, describeGoal, describeLastReload, describeLimits, describeReload, describeRouter, paintHealth } from './status-phrases.js';
import { workerTable } from './worker-table.js';

export interface StatusScreen {
  /** Columns; Infinity where lines may be as long as they like. */
  readonly width: number;
  readonly style: Style;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const LABEL = 13;

/** The status as a person reads it. */
export function formatStatus(status: Status, { width, style, now }: StatusScreen): string {
  const { name, version, health, primary, goal, address, tls, services, workers, problems, lastReload, reload, restartRequired, certificate, routers } = status;
  const facts: [label: string, text: string | null][] = [
    ['Primary', `pid ${primary.pid}, up ${formatAge(primary.uptimeSeconds)}, generation ${primary.generation}, version ${version}`],
    ['Workers', describeGoal(status)],
    ...routers.map((router): [string, string] => [routers.length > 1 ? `Router ${router.index}` : 'Router', describeRouter(router)]),
    ['Services', services.join(', ') || 'none yet'],
    ['Config', primary.configFile || 'flags and environment only'],
    ['Limits', describeLimits(status)],
    ['Certificate', certificate === null ? null : describeExpiry(certificate.expiresAt, now, style)],
    ['', certificate === null ? null : plain(certificate.subject)],
    ['Reload', reload === null ? null : style.yellow(describeReload(reload, goal.workers))],
    ['Last reload', lastReload === null ? null : describeLastReload(lastReload, now, style)],
    ['', lastReload === null || lastReload.hint === '' ? null : plain(lastReload.hint)],
    ['Restart', restartRequired.length === 0 ? null : `needed before these count: ${restartRequired.join(', ')}`],
  ];
  const { titles, rows } = workerTable(workers, { width, style });
  return [
    `${style.bold(name)}: ${paintHealth(health, style)} at ${address}${tls ? ' (TLS)' : ''}`,
    ...facts.flatMap(([label, text]) => (text === null ? [] : fact(label, text, width))),
    ...problems.flatMap((problem) => wrap(`! ${plain(problem)}`, width).map((line) => style.red(line))),
    '',
    titles,
    ...rows.flat().map((line) => clip(line, width)),
    '',
  ].join('\n');
}

/** A fact under its label; long ones go on below. Painted ones are short. */
function fact(label: string, text: string, width: number): string[] {
  return wrap(text, width - LABEL).map((line, index) => (index === 0 ? label : '').padEnd(LABEL) + line);
}
