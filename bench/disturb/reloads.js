// Reloads one after the other, each of a new version.
import { setTimeout as pause } from 'node:timers/promises';
import { barChart } from '../support/plot.js';
import { spread } from '../support/figures.js';
import { formatFailures, ms } from './scene.js';

export const name = 'reloads';
export const title = ({ reloads }) => `${reloads} reloads one after the other`;

export async function measure({ deploy, load, reload, workers, plan }) {
  await pause(plan.before);
  const before = await load.take();
  const times = [];
  const codes = [];
  let version;
  for (let made = 0; made < plan.reloads; made += 1) {
    version = deploy.next();
    const begun = performance.now();
    codes.push(await reload());
    times.push((performance.now() - begun) / 1000);
  }
  await pause(plan.settled);
  const during = await load.take();
  await pause(plan.after);
  const after = await load.take();
  const busiest = Math.max(...Object.values(after.by));
  return {
    times, codes, before, during, channels: plan.load.channels,
    spread: workers === 1 ? null : busiest / (after.ok / workers),
    isNew: after.ok > 0 && Object.keys(after.versions).every((seen) => Number(seen) === version),
  };
}

export const head = ['', 'failed calls', 'of calls', 'connections opened, each client', 'p50 before, ms', 'during', 'p99 before', 'during', 'busiest worker to mean, after', 'new code serves', 's per reload'];

export function row({ before, during, channels, times, spread: busiest, isNew }) {
  return [
    formatFailures(during.failed), during.ok + during.failures, (during.reconnects / channels).toFixed(1), ms(before.p50), ms(during.p50), ms(before.p99), ms(during.p99),
    busiest === null ? '-' : busiest.toFixed(2), isNew ? 'yes' : 'not alone', spread(times).median.toFixed(1),
  ];
}

export function plot(results, plan) {
  const rows = results.map(({ name: of, result: { during } }) => ({ name: of, min: during.failures, median: during.failures, max: during.failures }));
  return barChart({ title: `Failed calls in ${title(plan)}`, unit: 'calls', rows });
}

/** What grpcserverd promises; a sentence for each promise that it breaks. */
export function broken({ during, isNew, codes }) {
  return [
    ...(codes.every((code) => code === 0) ? [] : [`exit codes ${codes} of reloads`]),
    ...(during.failures > 0 ? [`${formatFailures(during.failed)} in reloads`] : []),
    ...(isNew ? [] : ['old code serves after a reload']),
  ];
}
