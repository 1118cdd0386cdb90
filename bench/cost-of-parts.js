// What each part around a handler costs: CPU time for a unary call of grpc-js alone, then with one part more at a
// time, each in a process of its own. A part costs less than garbage collection differs from process to process, so the
// least of all runs is what tells; the medians are there to compare it with.
import { fileURLToPath } from 'node:url';
import { formatSpread, inTurn, printTable, spread } from './support/figures.js';
import { LOAD, load } from './support/load.js';
import { PARTS, SIGNATURE } from './support/parts.js';
import { startBare } from './support/servers.js';

/** How garbage collection goes is settled early in the life of a process, so one process of each is not enough. */
const STARTS = 5;
const ROUNDS = 2;
const CALLS = 8000;
const WARM_UP = 50_000;
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
  console.log(`\n${method} handlers: microseconds of CPU, and thousands of instructions in user mode, per call; least, and median (min-max)`);
  const values = (figure, part) => results[part].map((result) => result[figure]);
  const least = (figure, part) => spread(values(figure, part)).min;
  const ratio = (figure, part) => (least(figure, part) / least(figure, 0)).toFixed(2);
  printTable(
    ['with', 'us', 'ratio', 'instr.', 'ratio', 'all us', 'all instr.'],
    PARTS.map((name, part) => [
      name,
      least('serving', part).toFixed(1),
      ratio('serving', part),
      (least('instructions', part) / 1000).toFixed(0),
      ratio('instructions', part),
      formatSpread(values('serving', part), 1),
      formatSpread(values('instructions', part).map((value) => value / 1000), 0),
    ]),
  );
}
