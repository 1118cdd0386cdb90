// What each part around a handler costs: CPU time for a unary call of grpc-js alone, then with one part more at a
// time, each in a process of its own. Every round loads all of them; a ratio compares two runs of one round.
import { fileURLToPath } from 'node:url';
import { formatSpread, inTurn, printTable } from './support/figures.js';
import { LOAD, load } from './support/load.js';
import { PARTS, SIGNATURE } from './support/parts.js';
import { startBare } from './support/servers.js';

/** How garbage collection goes is settled early in the life of a process, so one process of each is not enough. */
const STARTS = 3;
const ROUNDS = 3;
const CALLS = 8000;
const WARM_UP = 60_000;
const METHODS = ['Callback', 'Async'];
const PROGRAM = fileURLToPath(new URL('support/parts-server.js', import.meta.url));

export async function run() {
  console.log(`${STARTS} starts with ${ROUNDS} rounds of ${CALLS} calls each; load: ${LOAD}`);
  const results = Object.fromEntries(METHODS.map((method) => [method, PARTS.map(() => [])]));
  for (let start = 0; start < STARTS; start += 1) {
    const servers = [];
    try {
      for (const part of PARTS) servers.push(await startBare({ program: PROGRAM, args: [part] }));
      for (const method of METHODS) {
        for (const server of servers) await load(server, method, WARM_UP, SIGNATURE);
        const rounds = await inTurn(ROUNDS, servers, (server) => load(server, method, CALLS, SIGNATURE));
        rounds.forEach((result, part) => results[method][part].push(...result));
      }
    } finally {
      for (const server of servers) await server.stop();
    }
  }
  for (const method of METHODS) report(method, results[method]);
}

function report(method, results) {
  console.log(`\n${method} handlers: microseconds of CPU, and thousands of instructions in user mode, per call, median (min-max)`);
  const ratios = (figure, part) => results[part].map((result, round) => result[figure] / results[0][round][figure]);
  printTable(
    ['with', 'us', 'ratio to the first', 'instr.', 'ratio to the first'],
    PARTS.map((name, part) => [
      name,
      formatSpread(results[part].map(({ serving }) => serving), 1),
      formatSpread(ratios('serving', part), 3),
      formatSpread(results[part].map(({ instructions }) => instructions / 1000), 0),
      formatSpread(ratios('instructions', part), 3),
    ]),
  );
}
