/** What the screens say of a daemon, in words; pure. */
import { EXPIRY_WARNING_DAYS } from '../config/certificate-dates.js';
import type { GoalSource, Health, ReloadProgress, ReloadReport, ReloadVerdict, RouterStatus, Status } from '../control/definition.js';
import { formatAge, formatBytes, formatCount, formatRate, formatTime } from './figures.js';
import { plain, type Style } from './output.js';

const DAY = 86_400_000;
/** A certificate that expires in fewer days is worth another colour. */
const VERY_SOON = 7;

const SOURCES: Readonly<Record<GoalSource, string>> = { config: 'as configured', scale: 'set by scale', elastic: 'set by the load' };

const VERDICTS: Readonly<Record<ReloadVerdict, string>> = {
  done: 'done',
  refused: 'refused',
  'rolled-back': 'rolled back',
  halted: 'halted half-way',
  'pre-empted': 'pre-empted by a stop',
};

export function paintHealth(health: Health, { green, yellow, red }: Style): string {
  const paint = health === 'healthy' ? green : health === 'degraded' ? red : yellow;
  return paint(health);
}

/** `3 of 4 ready, set by scale`. During a reload a slot may have two ready workers. */
export function describeGoal({ goal, workers }: Status): string {
  const ready = new Set(workers.filter(({ state }) => state === 'ready').map(({ slot }) => slot)).size;
  return `${ready} of ${goal.workers} ready, ${SOURCES[goal.source]}`;
}

/** `resets 3, silent 12`: what the clients of all workers and routers came to; null when that is nothing. */
export function describeLimits({ workers, routers }: Pick<Status, 'workers' | 'routers'>): string | null {
  const counts = new Map<string, number>();
  for (const { limits } of [...workers, ...routers]) {
    for (const [limit, count] of Object.entries(limits)) counts.set(limit, (counts.get(limit) ?? 0) + count);
  }
  return counts.size === 0 ? null : [...counts].map(([limit, count]) => `${limit} ${formatCount(count)}`).join(', ');
}

/** `pid 4711, up 3m: 12 connections, 20 links, 5 calls, 1.2k/s; 88M in, 90M out, 2M in it; calls refused: 3` */
export function describeRouter(router: RouterStatus): string {
  const { pid, state, uptimeSeconds, connections, links, inFlight, waiting, callsPerSecond, bytesRead, bytesWritten, bufferedBytes } = router;
  const about = `pid ${pid}, ${state === 'ready' ? '' : `${state}, `}up ${formatAge(uptimeSeconds)}`;
  const calls = `${formatCount(inFlight)} calls${waiting > 0 ? ` and ${waiting} that wait` : ''}, ${formatRate(callsPerSecond)}/s`;
  const bytes = `${formatBytes(bytesRead)} in, ${formatBytes(bytesWritten)} out, ${formatBytes(bufferedBytes)} in it`;
  return [`${about}: ${connections} connections, ${links} links, ${calls}`, bytes, ...describeTrouble(router)].join('; ');
}

function describeTrouble({ restarts, lost, refused, broken, faults }: RouterStatus): string[] {
  const reasons = Object.entries(faults).map(([name, count]) => `${count} ${name}`);
  return [
    ...(restarts > 0 ? [`restarts: ${formatCount(restarts)}`] : []),
    ...(lost > 0 ? [`calls lost with their workers: ${formatCount(lost)}`] : []),
    ...(refused > 0 ? [`calls refused: ${formatCount(refused)}`] : []),
    ...(broken > 0 ? [`clients that broke the protocol: ${formatCount(broken)} (${plain(reasons.join(', '))})`] : []),
  ];
}

/** `done 5m ago in 1.2s, generation 3 (SIGHUP)` */
export function describeLastReload({ verdict, endedAt, tookMs, generation, cause, drained }: ReloadReport, now: number, style: Style): string {
  const cut = drained.reduce((sum, worker) => sum + worker.cut.length, 0);
  const paint = verdict === 'done' ? style.green : style.red;
  const when = `${formatAge(Math.max(0, now - endedAt) / 1000)} ago`;
  const what = verdict === 'done' ? `in ${formatTime(tookMs)}, generation ${generation}` : `after ${formatTime(tookMs)}; generation ${generation} serves on`;
  return `${paint(VERDICTS[verdict])} ${when} ${what} (${plain(cause)})${cut === 0 ? '' : style.yellow(`, ${cut} calls cut`)}`;
}

/** How far the reload is that runs now. */
export function describeReload({ stage, cause, generation, workers }: ReloadProgress, wanted: number): string {
  const ready = workers.filter((worker) => worker.generation === generation && worker.state === 'ready').length;
  const old = workers.filter((worker) => worker.generation !== generation).length;
  switch (stage) {
    case 'checking':
      return `checking the settings (${plain(cause)})`;
    case 'canary':
      return `generation ${generation}: the first worker starts (${plain(cause)})`;
    case 'starting':
      return `generation ${generation}: ${ready} of ${wanted} ready (${plain(cause)})`;
    case 'draining':
      return `generation ${generation} serves; ${old} old workers finish their calls (${plain(cause)})`;
  }
}

/** `expires in 12 days, on 2026-01-31` */
export function describeExpiry(expiresAt: number, now: number, { red, yellow }: Style): string {
  const days = Math.floor((expiresAt - now) / DAY);
  const date = new Date(expiresAt).toISOString().slice(0, 10);
  if (expiresAt <= now) return red(`expired on ${date}`);
  const text = days === 0 ? `expires within a day, on ${date}` : `expires in ${days} ${days === 1 ? 'day' : 'days'}, on ${date}`;
  return days < VERY_SOON ? red(text) : days < EXPIRY_WARNING_DAYS ? yellow(text) : text;
}
