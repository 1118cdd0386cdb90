// Load of all kinds and one disturbance after the other, with an account of every call.
//   npm run soak -- --minutes N   10 unless given
//   --quick                       one minute, as CI does
//   --seed S                      repeats the order of the disturbances
//   --connection                  without routers
//   --out DIR                     a folder for soak.json (the samples) and the curves, soak-memory.svg and soak-files.svg
// The exit code is 1 when a call failed that no disturbance explains, when a curve rises, or when something is left.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import './build.js';
import { compile, root } from './compile.js';
import { lineChart } from '../bench/support/plot.js';

const values = readArguments({
  options: { minutes: { type: 'string' }, quick: { type: 'boolean', default: false }, seed: { type: 'string' }, connection: { type: 'boolean', default: false }, out: { type: 'string' } },
});
const minutes = Number(values.minutes ?? (values.quick ? 1 : 10));
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('--minutes takes a number above 0, --seed a whole number.');
  process.exit(64);
}

compile('test');
const { soak } = await import(`${root}build/test/soak/soak.js`);
const { ROLES, mib } = await import(`${root}build/test/soak/curves.js`);
console.log(`${minutes} minutes, seed ${seed}, ${values.connection ? 'without routers' : 'two routers'}, Node ${process.version}`);
const startedAt = performance.now();
const clock = () => ((performance.now() - startedAt) / 1000).toFixed(0).padStart(5);
const { account, curves, disturbances, faults } = await soak({
  minutes,
  seed,
  config: values.connection ? { balance: 'connection', routers: 1 } : {},
  say: (line) => console.log(`${clock()} s  ${line}`),
});

const list = (title, map) => {
  console.log(`\n${title}`);
  for (const [name, count] of [...map].sort((a, b) => b[1] - a[1])) console.log(`${String(count).padStart(9)}  ${name}`);
};
list(`${account.calls} calls. As expected:`, account.ok);
list('Cut, and explained by:', account.cut);
list('Disturbances:', disturbances);
console.log('\nMemory and open files, smallest, median, largest:');
for (const role of ROLES) {
  const rss = curves.range(role, (sample) => sample.rss).map(mib).join(', ');
  console.log(`  ${role.padEnd(8)} ${rss}; ${curves.range(role, (sample) => sample.files).join(', ')} files`);
}
for (const call of account.unexplained) console.log(`\nNot explained: ${JSON.stringify(call)}`);

if (values.out !== undefined) {
  mkdirSync(values.out, { recursive: true });
  const save = (name, text) => writeFileSync(join(values.out, name), text);
  const plot = (title, y, value) =>
    lineChart({ title, x: 'seconds', y, series: ROLES.map((name) => ({ name, points: curves.largest(name, value) })).filter(({ points }) => points.length > 0) });
  save('soak.json', JSON.stringify({ seed, minutes, samples: curves.samples }));
  save('soak-memory.svg', plot('Memory of the largest process of each role', 'MiB', ({ rss }) => rss / 2 ** 20));
  save('soak-files.svg', plot('Open files of the process with the most of each role', 'files', ({ files }) => files));
}
if (faults.length > 0) {
  const again = `npm run soak -- --minutes ${minutes} --seed ${seed}${values.connection ? ' --connection' : ''}`;
  console.log(`\nFAILED\n${faults.join('\n')}\n\nThe same order of disturbances: ${again}`);
  process.exit(1);
}
console.log('\nNothing is unexplained, nothing is left, and no curve rises.');
process.exit(0);

function readArguments(config) {
  try {
    return parseArgs(config).values;
  } catch (error) {
    console.error(error.message);
    process.exit(64);
  }
}
