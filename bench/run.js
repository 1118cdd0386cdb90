// Measures. Needs a build (npm run build) and Linux.
//   npm run bench              everything, about half an hour
//   npm run bench -- NAME...   only these: cpu-per-call, cost-of-parts, memory, start, leaks, frames, lean-call, access-log, wire, idle, router, worker-choice, abuse, dashboard, scale
//   --quick                    a shorter run, where a bench has one: for correctness, not for figures
//   --out DIR                  plots as SVG go there
// The exit code is 1 when a goal was missed.
import { availableParallelism, release } from 'node:os';
import { parseArgs } from 'node:util';

const NAMES = ['cpu-per-call', 'cost-of-parts', 'memory', 'start', 'leaks', 'frames', 'lean-call', 'access-log', 'wire', 'idle', 'router', 'worker-choice', 'abuse', 'dashboard', 'scale'];

const { values, positionals: asked } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } } });
const unknown = asked.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench named ${unknown.join(', ')}; there are: ${NAMES.join(', ')}.`);
  process.exit(64);
}
console.log(`Node ${process.version}, ${availableParallelism()} cores, Linux ${release()}`);
for (const name of asked.length === 0 ? NAMES : asked) {
  console.log(`\n## ${name}\n`);
  const { run } = await import(`./${name}.js`);
  await run(values);
}
