// CPU time for a unary call in the lean transport and grpc-js alone, without a socket: frames go into a session, answers
// to an owner that drops them. Once with bare handlers, once with the chain of a worker around them.
import { formatSpread, judge, printTable, spread } from './support/figures.js';
import { measureVariants } from './support/lean-rounds.js';

const VARIANTS = [
  { name: 'bare handlers', args: ['bare', 'same'] },
  { name: 'bare handlers, grpc-timeout and trace id', args: ['bare', 'changing'] },
  { name: 'guard, accounting, context', args: ['guarded', 'same'] },
  { name: 'guard, accounting, context, grpc-timeout and trace id', args: ['guarded', 'changing'] },
];
const GOAL = 7;

export async function run() {
  const results = await measureVariants(VARIANTS);
  printTable(['with', 'us of CPU: median (min-max)'], VARIANTS.map(({ name }, variant) => [name, formatSpread(results[variant], 2)]));
  judge('bare handlers', spread(results[0]).median, GOAL, ' us');
}
