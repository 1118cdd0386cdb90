/** The screen of `top` as lines of text; pure. */
import type { Status } from '../../control/definition.js';
import { formatAge, formatBytes, formatCount, formatRate, formatTime } from '../figures.js';
import { clip, plain, wrap, type Style } from '../output.js';
import { describeExpiry, describeGoal, describeLastReload, describeReload, describeRouter, paintHealth } from '../status-phrases.js';
import { COLUMNS, workerTable } from '../worker-table.js';
import { HELP, type Model } from './model.js';

export interface ViewOptions {
  readonly width: number;
  readonly height: number;
  readonly style: Style;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Without news for this long, in milliseconds, the figures are not what they seem. */
const STALE = 5000;
/** Problems and messages may take this many lines each. */
const MOST_LINES = 4;
const MOST_ROUTERS = 3;

/** Exactly `height` lines, none wider than `width`. */
export function viewTop(model: Model, options: ViewOptions): string[] {
  const { width, height } = options;
  const foot = footer(model, options);
  const head = model.status === null ? ['Waiting for the daemon...'] : header(model.status, model, options);
  const room = Math.max(0, height - head.length - foot.length);
  const body = model.mode === 'help' ? help(options.style) : model.status === null ? [] : table(model.status, model.sort, room, options);
  const filled = [...head, ...body.slice(0, room), ...Array.from({ length: Math.max(0, room - body.length) }, () => '')];
  // On a screen that is too small the keys win.
  return [...filled.slice(0, Math.max(0, height - foot.length)), ...foot].slice(-height).map((line) => clip(line, width));
}

function header(status: Status, { statusAt }: Model, { width, style, now }: ViewOptions): string[] {
  const { name, health, address, tls, primary, goal, reload, lastReload, workers, problems, certificate, restartRequired, routers } = status;
  const age = now - statusAt;
  // With routers the workers' own are links, and a client may have several.
  const connections = routers.length > 0 ? routers.reduce((total, router) => total + router.connections, 0) : workers.reduce((total, worker) => total + worker.connections, 0);
  const sum = (figure: (worker: Status['workers'][number]) => number): number => workers.reduce((total, worker) => total + figure(worker), 0);
  return [
    age > STALE
      ? `${style.bold(name)}: ${style.red(`no news for ${formatAge(age / 1000)}`)}, primary pid ${primary.pid}`
      : `${style.bold(name)}: ${paintHealth(health, style)} at ${address}${tls ? ' (TLS)' : ''}, pid ${primary.pid}, up ${formatAge(primary.uptimeSeconds)}, generation ${primary.generation}`,
    `Workers ${describeGoal(status)}; ${[
      `${formatCount(connections)} conns`,
      `${formatCount(sum(({ inFlight }) => inFlight))} calls`,
      `${formatRate(sum(({ callsPerSecond }) => callsPerSecond))}/s`,
      `p99 ${formatTime(Math.max(0, ...workers.map(({ p99Ms }) => p99Ms)))}`,
      formatBytes(sum(({ rssBytes }) => rssBytes)),
    ].join(', ')}`,
    ...routerLines(routers, width),
    ...(reload !== null
      ? [`Reload ${style.yellow(describeReload(reload, goal.workers))}`]
      : lastReload !== null
        ? [`Last reload ${describeLastReload(lastReload, now, style)}`]
        : []),
    ...(certificate === null || certificate.warning === '' ? [] : [`Certificate ${describeExpiry(certificate.expiresAt, now, style)}`]),
    ...(restartRequired.length > 0 ? [`Restart needed before these count: ${restartRequired.join(', ')}`] : []),
    ...problems.flatMap((problem) => wrap(`! ${plain(problem)}`, width)).slice(0, MOST_LINES).map((line) => style.red(line)),
    '',
  ];
}

/** As many as there is room for, and how many there are. */
function routerLines(routers: Status['routers'], width: number): string[] {
  const lines = routers.map((router) => wrap(`Router${routers.length > 1 ? ` ${router.index}` : ''} ${describeRouter(router)}`, width));
  const shown = routers.length <= MOST_ROUTERS ? lines : [...lines.slice(0, MOST_ROUTERS - 1), [`... and ${routers.length - MOST_ROUTERS + 1} more routers`]];
  return shown.flat();
}

function table(status: Status, sort: number, room: number, { width, style }: ViewOptions): string[] {
  const { titles, rows } = workerTable(status.workers, { width, style, sort });
  const lines = [titles];
  for (const [index, row] of rows.entries()) {
    // A worker whose lines do not all fit, and those after it, are counted instead.
    const isLast = index === rows.length - 1;
    if (lines.length + row.length + (isLast ? 0 : 1) > room) return [...lines, style.dim(`... and ${rows.length - index} more`)];
    lines.push(...row);
  }
  return lines;
}

function help({ bold }: Style): string[] {
  return HELP.map(([keys, meaning]) => `  ${bold(keys.padEnd(12))}${meaning}`);
}

function footer({ mode, sort, message, status }: Model, { width, style }: ViewOptions): string[] {
  switch (mode) {
    case 'confirm-reload':
      return ['', style.bold(`Reload ${status?.name ?? 'the daemon'}? y: yes, any other key: no`)];
    case 'help':
      return ['', style.dim('Any key goes back.')];
    case 'table':
      return [
        '',
        ...message.flatMap((line) => wrap(plain(line), width)).slice(0, MOST_LINES),
        style.dim(`q quit  s sort (${COLUMNS[sort]?.title.toLowerCase() ?? ''})  r reload  + - scale  ? help`),
      ];
  }
}
