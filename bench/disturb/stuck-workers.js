// One call makes a worker an endless loop.
import { setTimeout as pause } from 'node:timers/promises';
import { lineChart } from '../support/plot.js';
import { STUCK } from './handlers.js';
import { callOnce, probeUntil } from './load.js';
import { formatFailures, ms, percent, rateLine } from './scene.js';

/** Milliseconds that a call may take. */
export const DEADLINE = 2000;
/** Seconds for which all must be well, and the p99 that is well: so many times that of before, or so many ms more. */
const WELL = 2;
const FACTOR = 3;
const MORE = 50;

export const name = 'stuck-workers';
export const title = ({ stuck }) => `A worker in an endless loop, watched for ${stuck / 1000} s`;

export async function measure({ port, load, workers, plan }) {
  const known = await probeUntil(port, (pids) => pids.size === workers, plan.recovery);
  if (known === undefined) throw new Error(`not all ${workers} workers answer`);
  await load.take();
  await pause(plan.before);
  const before = await load.take();
  await callOnce(port, STUCK);
  await pause(plan.stuck);
  const after = await load.take();
  const isReplaced = (await probeUntil(port, (pids) => [...pids].some((pid) => !known.has(pid)), plan.answer)) !== undefined;
  return { before, after, isReplaced, back: timeBack(after.slices.slice(0, -1), Math.max(before.p99 * FACTOR, before.p99 + MORE)) };
}

/** Seconds after which no call failed any more, and p99 was as before for long enough; null when that was never so. */
function timeBack(slices, p99) {
  const lastFailure = slices.findLastIndex(({ failed }) => failed > 0);
  const isWell = ({ ok, p99: of }) => ok > 0 && of <= p99;
  const found = slices.slice(lastFailure + 1).find(({ at }) => {
    const next = slices.filter((slice) => slice.at >= at && slice.at < at + WELL);
    return at + WELL <= slices.at(-1).at && next.every(isWell);
  });
  return found?.at ?? null;
}

export const head = ['', 'failed calls', 'of calls', 'answered, to before', 'p99 before, ms', 'after', 's until none fails and p99 is back', 'worker replaced'];

export function row({ before, after, back, isReplaced }, { stuck }) {
  return [
    formatFailures(after.failed), after.ok + after.failures, percent(after.ok / after.seconds / (before.ok / before.seconds)), ms(before.p99), ms(after.p99),
    back === null ? `not in ${stuck / 1000}` : back.toFixed(1),
    isReplaced ? 'yes' : 'no',
  ];
}

export function plot(results) {
  return lineChart({ title: 'Answered calls after a worker gets into an endless loop at 0', x: 'seconds', y: 'calls a second', series: results.map(({ name: of, result }) => rateLine(of, result.after.slices)) });
}

export function broken({ isReplaced }) {
  return isReplaced ? [] : ['a worker that got stuck was not replaced'];
}
