// Resident memory of the primary and of a worker, against a bare server with the same handlers: once it is idle after
// its start, and after many calls. Fresh processes each time; medians.
import { formatSpread, inTurn, judge, printTable, spread } from './support/figures.js';
import { LOAD, load } from './support/load.js';
import { memory } from './support/process-usage.js';
import { startBare, startDaemon } from './support/servers.js';

const STARTS = 5;
const CALLS = 100_000;
/** In milliseconds: what is done once at the start is over, and the collector has had its idle time. */
const IDLE = 2000;
const PRIMARY_GOAL = 70;
const WORKER_GOAL = 20;

export async function run() {
  console.log(`${STARTS} starts each; ${CALLS} calls, half of each kind of handler; load: ${LOAD}`);
  const [bare, daemon] = await inTurn(STARTS, [startBare, startDaemon], measure);
  for (const moment of ['idle', 'loaded']) {
    console.log(`\nMB ${moment === 'idle' ? 'after the start' : `after ${CALLS} calls`}, median (min-max)`);
    const rows = {
      'bare grpc-js': bare.map((start) => start[moment].serving),
      worker: daemon.map((start) => start[moment].serving),
      primary: daemon.map((start) => start[moment].primary),
    };
    printTable(
      ['process', 'RSS', 'PSS'],
      Object.entries(rows).map(([name, values]) => [name, ...['rss', 'pss'].map((kind) => formatSpread(values.map((value) => value[kind]), 1))]),
    );
    const rss = Object.fromEntries(Object.entries(rows).map(([name, values]) => [name, spread(values.map((value) => value.rss)).median]));
    judge('Primary', rss.primary, PRIMARY_GOAL, ' MB');
    judge('Worker above bare', rss.worker - rss['bare grpc-js'], WORKER_GOAL, ' MB');
  }
}

async function measure(start) {
  const server = await start();
  try {
    const idle = await settled(server);
    for (const method of ['Callback', 'Async']) await load(server, method, CALLS / 2);
    return { idle, loaded: await settled(server) };
  } finally {
    await server.stop();
  }
}

async function settled({ serving, primary }) {
  await new Promise((resolve) => setTimeout(resolve, IDLE));
  return { serving: memory(serving), primary: primary === undefined ? undefined : memory(primary) };
}
