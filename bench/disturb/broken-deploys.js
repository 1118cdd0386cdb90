// A deploy whose code does not load.
import { setTimeout as pause } from 'node:timers/promises';
import { lineChart } from '../support/plot.js';
import { probeUntil } from './load.js';
import { formatFailures, ms, percent, rateLine } from './scene.js';

/** The command has not ended. */
const NONE = 'none';
const LAST = 1000;

export const name = 'broken-deploys';
export const title = () => 'A deploy that does not load';

export async function measure({ port, deploy, load, reload, plan }) {
  await pause(plan.before / 3);
  const before = await load.take();
  deploy.break();
  const begun = performance.now();
  const code = await Promise.race([reload(), pause(plan.command, NONE, { ref: false })]);
  const seconds = (performance.now() - begun) / 1000;
  await pause(plan.broken);
  const after = await load.take();
  await pause(LAST);
  const last = await load.take();
  const serves = last.ok > 0 || (await probeUntil(port, (pids) => pids.size > 0, plan.answer)) !== undefined;
  return { before, after, code, seconds, serves, share: last.ok / last.seconds / (before.ok / before.seconds) };
}

export const head = ['', 'failed calls', 'of calls', 'old code answers, to before', 'p99 before, ms', 'after', 'exit code', 's'];

export function row({ before, after, code, seconds, share }) {
  return [formatFailures(after.failed), after.ok + after.failures, percent(share), ms(before.p99), ms(after.p99), code ?? '-', seconds.toFixed(1)];
}

export function plot(results) {
  return lineChart({ title: 'Answered calls after a deploy that does not load at 0', x: 'seconds', y: 'calls a second', series: results.map(({ name: of, result }) => rateLine(of, result.after.slices)) });
}

export function broken({ after, code, serves }) {
  return [
    ...(after.failures > 0 ? [`${formatFailures(after.failed)} after a broken deploy`] : []),
    ...(code === 1 ? [] : [`the exit code after a broken deploy is ${code}`]),
    ...(serves ? [] : ['nothing serves after a broken deploy']),
  ];
}
