// Runs variants of lean-load.js in turn, and tells the CPU time of a call of each.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inTurn } from './figures.js';

const PROGRAM = fileURLToPath(new URL('lean-load.js', import.meta.url));
/** How garbage collection goes is settled early in the life of a process, so one process of each is not enough. */
const STARTS = 3;
const ROUNDS = 5;
const CALLS = 40_000;
const WARM_UP = 100_000;

/** Microseconds of all rounds, for each variant. */
export async function measureVariants(variants) {
  console.log(`${STARTS} starts with ${ROUNDS} rounds of ${CALLS} calls each, 64 at a time`);
  const results = variants.map(() => []);
  for (let start = 0; start < STARTS; start += 1) {
    const programs = variants.map(({ args }) => fork(PROGRAM, args));
    try {
      for (const program of programs) await measure(program, WARM_UP);
      const rounds = await inTurn(ROUNDS, programs, (program) => measure(program, CALLS));
      rounds.forEach((result, variant) => results[variant].push(...result));
    } finally {
      for (const program of programs) program.disconnect();
    }
  }
  return results;
}

async function measure(program, calls) {
  program.send(calls);
  const [micros] = await once(program, 'message');
  return micros;
}
