// Resident memory of the primary and of a worker, against a bare server with the same handlers: idle after the start,
// and while it answers many calls. Under load the heap of V8 is a saw, which falls when the old space is collected;
// one look at it would tell where on the saw it is, so there are many, of which the mean counts, and the peak.
import { formatSpread, inTurn, judge, printTable, spread } from './support/figures.js';
import { LOAD, load } from './support/load.js';
import { memory } from './support/process-usage.js';
import { startBare, startDaemon } from './support/servers.js';

const STARTS = 5;
const CALLS = 100_000;
const LOOKS = 20;
/** In milliseconds: what is done once at the start is over. */
const IDLE = 2000;
const PRIMARY_GOAL = 70;
const WORKER_GOAL = 20;
const FIGURES = { 'idle RSS': 'rss', 'idle PSS': 'pss', 'loaded RSS': 'loadedRss', 'loaded PSS': 'loadedPss', 'peak RSS': 'peak' };

export async function run() {
  console.log(`${STARTS} starts each; ${CALLS} calls, of both kinds of handlers in turn, with ${LOOKS} looks; load: ${LOAD}`);
  const [bare, daemon] = await inTurn(STARTS, [startBare, startDaemon], measure);
  const processes = {
    'bare grpc-js': bare.map(({ serving }) => serving),
    worker: daemon.map(({ serving }) => serving),
    primary: daemon.map(({ primary }) => primary),
  };
  const values = (name, figure) => processes[name].map((start) => start[figure]);
  console.log('\nMB, median of the starts (min-max)');
  printTable(
    ['process', ...Object.keys(FIGURES)],
    Object.keys(processes).map((name) => [name, ...Object.values(FIGURES).map((figure) => formatSpread(values(name, figure), 1))]),
  );
  for (const [moment, figure] of [['idle', 'rss'], ['loaded', 'loadedRss']]) {
    const median = (name) => spread(values(name, figure)).median;
    judge(`Primary, ${moment}`, median('primary'), PRIMARY_GOAL, ' MB');
    judge(`Worker above bare, ${moment}`, median('worker') - median('bare grpc-js'), WORKER_GOAL, ' MB');
  }
}

async function measure(start) {
  const server = await start();
  try {
    await new Promise((resolve) => setTimeout(resolve, IDLE));
    const look = () => ({ serving: memory(server.serving), primary: memory(server.primary) });
    const idle = look();
    const loaded = [];
    for (let step = 0; step < LOOKS; step += 1) {
      await load(server, step % 2 === 0 ? 'Callback' : 'Async', CALLS / LOOKS);
      loaded.push(look());
    }
    const figures = (name) => ({
      ...idle[name],
      loadedRss: mean(loaded.map((look) => look[name].rss)),
      loadedPss: mean(loaded.map((look) => look[name].pss)),
      peak: loaded.at(-1)[name].peak,
    });
    return { serving: figures('serving'), primary: figures('primary') };
  } finally {
    await server.stop();
  }
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
