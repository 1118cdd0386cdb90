// What each part around a handler costs: CPU time for a unary call of grpc-js alone, then with one part more at a
// time, each in a process of its own. Every round loads all of them; a ratio compares two runs of one round.
import { fileURLToPath } from 'node:url';
import { formatSpread, inTurn, printTable } from './support/figures.js';
import { LOAD, load } from './support/load.js';
import { PARTS, SIGNATURE } from './support/parts.js';
import { startBare } from './support/servers.js';

const ROUNDS = 9;
const CALLS = 8000;
const WARM_UP = 50_000;
const PROGRAM = fileURLToPath(new URL('support/parts-server.js', import.meta.url));

export async function run() {
  console.log(`${ROUNDS} rounds of ${CALLS} calls; load: ${LOAD}`);
  const servers = [];
  try {
    for (const part of PARTS) servers.push(await startBare({ program: PROGRAM, args: [part] }));
    for (const method of ['Callback', 'Async']) await compare(servers, method);
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function compare(servers, method) {
  for (const server of servers) await load(server, method, WARM_UP, SIGNATURE);
  const results = await inTurn(ROUNDS, servers, (server) => load(server, method, CALLS, SIGNATURE));
  console.log(`\n${method} handlers: microseconds of CPU, and thousands of instructions in user mode, per call, median (min-max)`);
  const ratios = (figure, index) => results[index].map((result, round) => result[figure] / results[0][round][figure]);
  printTable(
    ['with', 'us', 'ratio to the first', 'instr.', 'ratio to the first'],
    PARTS.map((part, index) => [
      part,
      formatSpread(results[index].map(({ serving }) => serving), 1),
      formatSpread(ratios('serving', index), 3),
      formatSpread(results[index].map(({ instructions }) => instructions / 1000), 0),
      formatSpread(ratios('instructions', index), 3),
    ]),
  );
}
