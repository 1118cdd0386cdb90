// One peer, freshly started, with its code and its clients.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Deploy } from './deploy.js';
import { startLoad } from './load.js';

/** How much of everything; times in milliseconds. */
export const FULL = {
  load: { channels: 8, inFlight: 8, deadline: 2000 }, workers: 4, warmUp: 2000, before: 3000, reloads: 20, after: 3000, kills: 5, recovery: 30_000, settled: 2000,
  command: 30_000, answer: 10_000, broken: 5000, stuck: 30_000, question: 600_000,
};
/**
 * All peers at once, for correctness, on machines that have no time: so calls may take long, but where a worker is stuck. The time after which a worker counts as stuck is the shortest there is.
 */
export const QUICK = {
  load: { channels: 4, inFlight: 2, deadline: 30_000 }, workers: 2, warmUp: 500, before: 1000, reloads: 3, after: 1000, kills: 1, recovery: 60_000, settled: 1000,
  command: 10_000, answer: 10_000, broken: 2000, stuck: 9000, question: 300_000, hangTimeout: '4s',
};

/** Starts the peer and its clients, whose calls may have a `deadline` of their own, lets `use` do what it wants, and ends them. */
export async function inScene(peer, plan, use, deadline) {
  const deploy = new Deploy(mkdtempSync(join(tmpdir(), 'code-')));
  const server = await peer.start(deploy.file, peer.workers, plan);
  try {
    const load = startLoad(server.port, { ...plan.load, ...(deadline && { deadline }) });
    try {
      await pause(plan.warmUp);
      await load.take();
      return await use({ ...server, workers: peer.workers, deploy, load, plan });
    } finally {
      await load.stop();
    }
  } finally {
    await server.stop();
  }
}

/** `12 UNAVAILABLE, 3 DEADLINE_EXCEEDED`, or 0. */
export function formatFailures(failed) {
  return Object.entries(failed).map(([code, calls]) => `${calls} ${code}`).join(', ') || '0';
}

/** Adds up what calls of several rounds failed with. */
export function sumOf(rounds) {
  const sum = {};
  for (const failed of rounds) for (const [code, calls] of Object.entries(failed)) sum[code] = (sum[code] ?? 0) + calls;
  return sum;
}

export const percent = (share) => (Number.isFinite(share) ? `${(share * 100).toFixed(0)} %` : '-');
export const ms = (value) => (value === null ? '-' : value.toFixed(0));

/** Answered calls a second, as a line of a plot; the last slice is not whole. */
export function rateLine(name, slices) {
  const whole = slices.slice(0, -1);
  const width = whole.length > 1 ? whole[1].at - whole[0].at : 1;
  return { name, points: whole.map(({ at, ok }) => [at, ok / width]) };
}
