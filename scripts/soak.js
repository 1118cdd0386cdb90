// Load of all kinds and one disturbance after the other, with an account of every call.
//   npm run soak -- --minutes N   10 unless given
//   --seed S                      repeats the order of the disturbances
//   --connection                  without routers
// Writes soak.json and soak.svg (the curves) to the current folder with --out. The exit code is 1 when a call failed
// that no disturbance explains, when a curve rises, or when something is left.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import './build.js';
import { compile, root } from './compile.js';
import { lineChart } from '../bench/support/plot.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, connection: { type: 'boolean', default: false }, out: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('--minutes takes a number above 0, --seed a whole number.');
  process.exit(64);
}

compile('test');
const { soak } = await import(`${root}build/test/soak/soak.js`);
const { mib } = await import(`${root}build/test/soak/curves.js`);
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
for (const role of ['primary', 'router', 'worker']) {
  const rss = curves.range(role, (sample) => sample.rss).map(mib).join(', ');
  console.log(`  ${role.padEnd(8)} ${rss}; ${curves.range(role, (sample) => sample.files).join(', ')} files`);
}
for (const call of account.unexplained) console.log(`\nNot explained: ${JSON.stringify(call)}`);

if (values.out !== undefined) {
  writeFileSync(`${values.out}.json`, JSON.stringify({ seed, minutes, samples: curves.samples }));
  const series = (role) => {
    const bySecond = Map.groupBy?.(curves.samples.filter((sample) => sample.role === role), ({ at }) => Math.floor(at)) ?? new Map();
    return [...bySecond].map(([at, samples]) => [at, Math.max(...samples.map(({ rss }) => rss)) / 2 ** 20]);
  };
  writeFileSync(
    `${values.out}.svg`,
    lineChart({ title: 'Memory of the largest process of each role', x: 'seconds', y: 'MiB', series: ['primary', 'router', 'worker'].map((name) => ({ name, points: series(name) })) }),
  );
}
console.log(faults.length === 0 ? '\nNothing is unexplained, nothing is left, and no curve rises.' : `\nFAILED\n${faults.join('\n')}`);
process.exit(faults.length === 0 ? 0 : 1);
