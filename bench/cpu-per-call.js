// CPU time of a worker for a unary call, against the same handlers in grpc-js alone. A pair is two short runs, one
// after the other; a ratio compares the two runs of a pair, so that what else the machine does weighs on both.
import { formatSpread, inTurn, judge, printTable, spread } from './support/figures.js';
import { LOAD, load } from './support/load.js';
import { startBare, startDaemon } from './support/servers.js';

const PAIRS = 11;
const CALLS = 12_000;
const WARM_UP = 30_000;
const GOALS = { Callback: 1.2, Async: 1.35 };

export async function run() {
  console.log(`${PAIRS} pairs of ${CALLS} calls; load: ${LOAD}`);
  const servers = [await startBare(), await startDaemon()];
  try {
    for (const [method, goal] of Object.entries(GOALS)) await compare(servers, method, goal);
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function compare(servers, method, goal) {
  for (const server of servers) await load(server, method, WARM_UP);
  const [bare, daemon] = await inTurn(PAIRS, servers, (server) => load(server, method, CALLS));
  const pairs = bare.map(({ serving }, pair) => ({
    bare: serving,
    worker: daemon[pair].serving,
    primary: daemon[pair].primary,
    ratio: daemon[pair].serving / serving,
  }));
  console.log(`\n${method} handlers, microseconds of CPU per call`);
  printTable(
    ['pair', 'bare grpc-js', 'worker', 'ratio', 'primary'],
    pairs.map(({ bare, worker, ratio, primary }, pair) => [pair + 1, bare.toFixed(1), worker.toFixed(1), ratio.toFixed(3), primary.toFixed(2)]),
  );
  const ratios = pairs.map(({ ratio }) => ratio);
  console.log(`\nratio, median (min-max): ${formatSpread(ratios, 3)}`);
  judge(`${method}: worker to bare`, spread(ratios).median, goal, 'x');
}
