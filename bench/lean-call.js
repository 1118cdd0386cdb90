// CPU time for a unary call in the lean transport and grpc-js alone, without a socket: frames go into a session, answers
// to an owner that drops them. Once with bare handlers, once with the chain of a worker around them.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { formatSpread, inTurn, judge, printTable, spread } from './support/figures.js';

const PROGRAM = fileURLToPath(new URL('support/lean-load.js', import.meta.url));
const VARIANTS = [
  { name: 'bare handlers', args: ['bare', 'same'] },
  { name: 'bare handlers, grpc-timeout and trace id', args: ['bare', 'changing'] },
  { name: 'guard, accounting, context', args: ['guarded', 'same'] },
  { name: 'guard, accounting, context, grpc-timeout and trace id', args: ['guarded', 'changing'] },
];
/** How garbage collection goes is settled early in the life of a process, so one process of each is not enough. */
const STARTS = 3;
const ROUNDS = 5;
const CALLS = 40_000;
const WARM_UP = 100_000;
const GOAL = 7;

export async function run() {
  console.log(`${STARTS} starts with ${ROUNDS} rounds of ${CALLS} calls each, 64 at a time`);
  const results = VARIANTS.map(() => []);
  for (let start = 0; start < STARTS; start += 1) {
    const programs = VARIANTS.map(({ args }) => fork(PROGRAM, args));
    try {
      for (const program of programs) await measure(program, WARM_UP);
      const rounds = await inTurn(ROUNDS, programs, (program) => measure(program, CALLS));
      rounds.forEach((result, variant) => results[variant].push(...result));
    } finally {
      for (const program of programs) program.disconnect();
    }
  }
  printTable(['with', 'us of CPU: median (min-max)'], VARIANTS.map(({ name }, variant) => [name, formatSpread(results[variant], 2)]));
  judge('bare handlers', spread(results[0]).median, GOAL, ' us');
}

async function measure(program, calls) {
  program.send(calls);
  const [micros] = await once(program, 'message');
  return micros;
}
