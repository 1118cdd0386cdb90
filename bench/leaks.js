// What the primary holds after rounds of one crash and one reload each, and then of one save each with autoreload:
// memory, file descriptors, active resources of node (handles, requests, timers) and listeners on `process`. All must
// be flat.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { judge, printTable } from './support/figures.js';
import { memory } from './support/process-usage.js';
import { startDaemon } from './support/servers.js';

const ROUNDS = 200;
const SAVES = 50;
/** Rounds between two looks. */
const STEP = 25;
/** What is done once, and what the allocator has not given back yet, is over by then: growth counts from here. */
const SETTLED = 50;
const RSS_GOAL = 10;
const HEAP_GOAL = 2;
const TIMEOUT = 60_000;

export async function run() {
  const census = fileURLToPath(new URL('support/census.js', import.meta.url));
  const daemon = await startDaemon({ execArgv: ['--expose-gc', '--import', census], autoreload: true, watch: { include: ['./saved.txt'], exclude: [] } });
  try {
    console.log(`${ROUNDS} rounds of one crash and one reload each, then ${SAVES} of one save each`);
    await seen(daemon, ({ event }) => event === 'autoreload.watching', 1);
    const rows = [await look(daemon, 0)];
    for (let round = 1; round <= ROUNDS + SAVES; round += 1) {
      if (round <= ROUNDS) {
        process.kill(daemon.log.findLast(({ event }) => event === 'worker.ready').worker, 'SIGKILL');
        await seen(daemon, ({ event }) => event === 'worker.ready', 2 * round);
        process.kill(daemon.primary, 'SIGHUP');
      } else {
        writeFileSync(join(daemon.folder, 'saved.txt'), String(round));
      }
      await seen(daemon, ({ event, verdict }) => event === 'reload.ended' && verdict === 'done', round);
      if (round % STEP === 0) rows.push(await look(daemon, round));
    }
    printTable(['rounds', 'RSS, MB', 'heap, MB', 'descriptors', 'resources', 'listeners'],
      rows.map(({ round, rss, heap, ...counts }) => [round, rss.toFixed(1), heap.toFixed(2), counts.descriptors, counts.resources, counts.listeners]));
    const at = (round) => rows.find((row) => row.round === round);
    judgeGrowth('by crashes and reloads', at(SETTLED), at(ROUNDS));
    judgeGrowth('by saves', at(ROUNDS + STEP), at(ROUNDS + SAVES));
  } finally {
    await daemon.stop();
  }
}

function judgeGrowth(by, from, to) {
  judge(`Growth of RSS ${by}`, to.rss - from.rss, RSS_GOAL, ' MB');
  judge(`Growth of the heap ${by}`, to.heap - from.heap, HEAP_GOAL, ' MB');
  for (const name of ['descriptors', 'resources', 'listeners']) judge(`Growth of ${name} ${by}`, to[name] - from[name], 0, '');
}

async function look({ primary, log }, round) {
  const before = log.filter(({ event }) => event === 'census').length;
  process.kill(primary, 'SIGPWR');
  await seen({ log }, ({ event }) => event === 'census', before + 1);
  const { resources, listeners, heap } = log.findLast(({ event }) => event === 'census');
  return { round, rss: memory(primary).rss, heap, descriptors: readdirSync(`/proc/${primary}/fd`).length, resources, listeners };
}

/** The log has that many such lines. */
async function seen({ log }, matches, count) {
  const end = Date.now() + TIMEOUT;
  while (log.filter(matches).length < count) {
    if (Date.now() > end) throw new Error(`waited ${TIMEOUT} ms in vain:\n${log.slice(-20).map((record) => JSON.stringify(record)).join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
