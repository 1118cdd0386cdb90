// CPU time of a worker over Node's own HTTP/2 for a unary call (wire.js: the other transport), against the same handlers in grpc-js alone. A pair is two short runs, one
// after the other; a ratio compares the two runs of a pair, so that what else the machine does weighs on both.
import { formatSpread, inTurn, judge, printTable, spread } from './support/figures.js';
import { LOAD, load } from './support/load.js';
import { startBare, startDaemon } from './support/servers.js';

/** How garbage collection goes is settled early in the life of a process, so one process is not enough. */
const STARTS = 3;
const PAIRS = 5;
const CALLS = 12_000;
/** Node still compiles until about here, later for the worker than for the bare server. */
const WARM_UP = 90_000;
const GOALS = { Callback: 1.2, Async: 1.35 };

export async function run() {
  console.log(`${STARTS} starts with ${PAIRS} pairs of ${CALLS} calls each; load: ${LOAD}`);
  const runs = Object.fromEntries(Object.keys(GOALS).map((method) => [method, []]));
  for (let start = 0; start < STARTS; start += 1) {
    const servers = [await startBare(), await startDaemon({ transport: 'http2' })];
    try {
      for (const method of Object.keys(GOALS)) {
        for (const server of servers) await load(server, method, WARM_UP);
        const [bare, daemon] = await inTurn(PAIRS, servers, (server) => load(server, method, CALLS));
        runs[method].push(...bare.map((of, pair) => ({ bare: of, worker: daemon[pair] })));
      }
    } finally {
      for (const server of servers) await server.stop();
    }
  }
  for (const [method, goal] of Object.entries(GOALS)) report(method, runs[method], goal);
}

function report(method, pairs, goal) {
  const cpu = pairs.map(({ bare, worker }) => worker.serving / bare.serving);
  const instructions = pairs.map(({ bare, worker }) => worker.instructions / bare.instructions);
  console.log(`\n${method} handlers: microseconds of CPU, and thousands of instructions in user mode, per call`);
  printTable(
    ['pair', 'bare us', 'worker us', 'ratio', 'primary us', 'bare instr.', 'worker instr.', 'ratio'],
    pairs.map(({ bare, worker }, pair) => [
      pair + 1, bare.serving.toFixed(1), worker.serving.toFixed(1), cpu[pair].toFixed(3), worker.primary.toFixed(2),
      (bare.instructions / 1000).toFixed(0), (worker.instructions / 1000).toFixed(0), instructions[pair].toFixed(3),
    ]),
  );
  console.log(`\nmedian (min-max): CPU ${formatSpread(cpu, 3)}, instructions ${formatSpread(instructions, 3)}`);
  judge(`${method}: worker to bare`, spread(cpu).median, goal, 'x');
}
