// npm run fuzz -- [--minutes N] [--frames N] [--seed S] [--mode lean|router] | --record
import { parseArgs } from 'node:util';
import { campaign, Finding, shrink, type Figures, type Mode } from './campaign.js';
import { record } from './record.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' }, frames: { type: 'string' }, seed: { type: 'string' }, mode: { type: 'string' }, record: { type: 'boolean', default: false },
  },
});
const MIB = 1024 * 1024;
/** Growth of the heap over a whole run that is none: caches fill, code is compiled. In bytes. */
const GROWTH = 32 * MIB;

async function run(mode: Mode, seed: number, ms: number, frames: number): Promise<void> {
  const start = performance.now();
  let warm = 0;
  const isOver = (figures: Figures): boolean => {
    if (warm === 0 && figures.connections >= 500) warm = heapUsed();
    return performance.now() - start > ms || figures.frames >= frames;
  };
  try {
    const figures = await campaign(mode, seed, isOver);
    const grown = warm === 0 ? 0 : heapUsed() - warm;
    const seconds = (performance.now() - start) / 1000;
    console.log(`${mode}: ${figures.frames} frames on ${figures.connections} connections in ${seconds.toFixed(0)} s from seed ${seed}; heap ${(grown / MIB).toFixed(1)} MiB more`);
    if (grown > GROWTH) throw new Error(`The heap has grown by ${grown} bytes.`);
  } catch (error) {
    if (!(error instanceof Finding)) throw error;
    console.error(`${mode}: seed ${error.found.seed}: ${error.message}`);
    const { found, message } = await shrink(mode, error);
    console.error(`shrunk to ${found.chunks.length} chunks: ${message}\n${found.chunks.map((chunk) => chunk.toString('hex')).join('\n')}`);
    process.exitCode = 1;
  }
}

/** After garbage is collected, for which node needs --expose-gc. */
function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

process.on('uncaughtException', (error) => {
  console.error('uncaught', error);
  process.exit(1);
});

if (values.record) {
  await record();
} else {
  const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
  const modes: readonly Mode[] = values.mode === undefined ? ['lean', 'router'] : [values.mode === 'router' ? 'router' : 'lean'];
  for (const mode of modes) await run(mode, seed, (Number(values.minutes) * 60_000) / modes.length, Number(values.frames ?? Infinity));
}
process.exit();
