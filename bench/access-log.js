// What the access log costs: CPU time for a unary call as bench/lean-call.js measures it, with lines that go to /dev/null.
import { formatSpread, printTable } from './support/figures.js';
import { measureVariants } from './support/lean-rounds.js';

const VARIANTS = [
  { name: 'off', args: ['guarded', 'same'] },
  { name: 'errors, and there are none', args: ['errors', 'same'] },
  { name: 'all, one in 100', args: ['sampled', 'same'] },
  { name: 'all', args: ['all', 'same'] },
];

export async function run() {
  const results = await measureVariants(VARIANTS);
  printTable(['log.access', 'us of CPU: median (min-max)'], VARIANTS.map(({ name }, variant) => [name, formatSpread(results[variant], 2)]));
}
