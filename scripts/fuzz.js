// Fuzzes the wire: npm run fuzz -- [--minutes N] [--frames N] [--seed S] [--mode lean|router]. A finding repeats with its
// seed; --record writes the sessions anew that are mutated.
import { spawnSync } from 'node:child_process';
import './build.js';
import { compile, root } from './compile.js';

compile('test');
const { status } = spawnSync(process.execPath, ['--expose-gc', `${root}build/test/fuzz/main.js`, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
