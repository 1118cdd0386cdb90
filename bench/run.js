// Measures. Needs a build (npm run build) and Linux.
//   npm run bench              everything, about two hours
//   npm run bench -- NAME...   only these: peers, disturb, scale, cpu-per-call, cost-of-parts, memory, start, leaks, frames, lean-call, access-log, wire, idle, router, worker-choice, abuse, dashboard, stalled-client
//   --quick                    few calls, to see that it works; of the benches that have it: peers, disturb, scale
//   --out DIR                  where those that write a page and plots put them: bench/results
// The exit code is 1 when a goal was missed or something could not be measured.
import { availableParallelism, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const NAMES = [
  'peers', 'disturb', 'scale', 'cpu-per-call', 'cost-of-parts', 'memory', 'start', 'leaks', 'frames', 'lean-call', 'access-log', 'wire', 'idle', 'router', 'worker-choice', 'abuse', 'dashboard', 'stalled-client',
];
/** Which take `--quick`, and write a page. */
const QUICK = ['peers', 'disturb', 'scale'];
const USAGE = 64;

const { values, positionals: asked } = argumentsOf();
const unknown = asked.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) refuse(`There is no bench named ${unknown.join(', ')}; there are: ${NAMES.join(', ')}.`);
const slow = asked.filter((name) => values.quick && !QUICK.includes(name));
if (slow.length > 0) refuse(`There is no quick run of ${slow.join(', ')}; there is one of: ${QUICK.join(', ')}.`);

console.log(`Node ${process.version}, ${availableParallelism()} cores, Linux ${release()}`);
for (const name of asked.length > 0 ? asked : values.quick ? QUICK : NAMES) {
  console.log(`\n## ${name}\n`);
  const { run } = await import(`./${name}.js`);
  await run(values);
}

function argumentsOf() {
  const out = fileURLToPath(new URL('results', import.meta.url));
  try {
    return parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean', default: false }, out: { type: 'string', default: out } } });
  } catch (error) {
    return refuse(error.message);
  }
}

function refuse(why) {
  console.error(why);
  process.exit(USAGE);
}
