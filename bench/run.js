// Measures. Needs a build (npm run build) and Linux.
//   npm run bench              everything, about two hours
//   npm run bench -- NAME...   only these: cpu-per-call, cost-of-parts, memory, start, leaks, frames, lean-call, access-log, wire, idle, router, worker-choice, abuse, dashboard, scale, disturb, peers
//   --quick                    of scale, disturb and peers, a short run: for correctness, not for figures
//   --out DIR                  where these write their tables and plots; bench/results unless told
// The exit code is 1 when a goal was missed.
import { availableParallelism, release } from 'node:os';
import { parseArgs } from 'node:util';

const NAMES = [
  'cpu-per-call', 'cost-of-parts', 'memory', 'start', 'leaks', 'frames', 'lean-call', 'access-log', 'wire', 'idle', 'router', 'worker-choice', 'abuse', 'dashboard', 'scale', 'disturb', 'peers',
];

const { asked, options } = readArguments();
const unknown = asked.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench named ${unknown.join(', ')}; there are: ${NAMES.join(', ')}.`);
  process.exit(64);
}
console.log(`Node ${process.version}, ${availableParallelism()} cores, Linux ${release()}`);
for (const name of asked.length === 0 ? NAMES : asked) {
  console.log(`\n## ${name}\n`);
  const { run } = await import(`./${name}.js`);
  await run(options);
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } } });
    return { asked: positionals, options: values };
  } catch (error) {
    console.error(error.message);
    process.exit(64);
  }
}
