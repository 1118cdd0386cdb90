// A worker that is killed (SIGKILL), in a fresh start each time.
import { setTimeout as pause } from 'node:timers/promises';
import { formatSpread, spread } from '../support/figures.js';
import { lineChart } from '../support/plot.js';
import { probeUntil } from './load.js';
import { formatFailures, ms, rateLine, sumOf } from './scene.js';

export const name = 'kills';
export const title = ({ kills }) => `A worker killed, ${kills === 1 ? 'once' : `${kills} times`}`;
export const rounds = ({ kills }) => kills;

export async function measure({ port, load, workers, plan }) {
  const known = await probeUntil(port, (pids) => pids.size === workers, plan.recovery);
  if (known === undefined) throw new Error(`not all ${workers} workers answer`);
  await pause(plan.before / 3);
  const before = await load.take();
  // The one that the clients use most: one without a client would cost nothing.
  const [[victim]] = Object.entries(before.by).sort(([, a], [, b]) => b - a);
  const begun = performance.now();
  process.kill(Number(victim), 'SIGKILL');
  const isNew = (pid) => !known.has(pid);
  const found = await probeUntil(port, (pids) => [...pids].some(isNew), plan.recovery);
  const recovery = found === undefined ? null : performance.now() - begun;
  await pause(plan.settled);
  return { recovery, before, after: await load.take() };
}

export const head = ['', 'failed calls', 'of them the most in one kill', 'connections opened', 'ms until a new worker answers', 'p99 before, ms', 'after'];

export function row(results) {
  const failures = results.map(({ after }) => after.failures);
  const recoveries = results.map(({ recovery }) => recovery);
  return [
    formatFailures(sumOf(results.map(({ after }) => after.failed))), Math.max(...failures), results.reduce((sum, { after }) => sum + after.reconnects, 0),
    recoveries.includes(null) ? 'not all came back' : formatSpread(recoveries, 0),
    ms(spread(results.map(({ before }) => before.p99)).median), ms(spread(results.map(({ after }) => after.p99)).median),
  ];
}

export function plot(results) {
  return lineChart({ title: 'Answered calls after a worker is killed at 0', x: 'seconds', y: 'calls a second', series: results.map(({ name: of, result }) => rateLine(of, result[0].after.slices)) });
}

/** The calls that the worker had are lost; more are not to be. */
export function broken(results, { load: { channels, inFlight } }) {
  return results.flatMap(({ after, recovery }) => [
    ...(after.failures > channels * inFlight ? [`${formatFailures(after.failed)} after a kill, of ${channels * inFlight} in flight`] : []),
    ...(recovery === null ? ['no new worker after a kill'] : []),
  ]);
}
