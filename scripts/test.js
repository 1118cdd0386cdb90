// Compiles everything and runs them with node:test: unit tests first, then integration tests, two files at a time.
//   --unit, --integration   only that part
//   --full                  full counts (npm run prove)
//   --lean, --http2         daemons run with balance: connection, or with transport: http2
//   WORD...                 only files whose path holds one of the words
import { readdirSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import './build.js';
import { compile, root } from './compile.js';

const args = process.argv.slice(2);
const words = args.filter((arg) => !arg.startsWith('--'));
if (args.includes('--full')) process.env.PROVE = '1';
if (args.includes('--lean')) process.env.TEST_MODE = 'lean';
if (args.includes('--http2')) process.env.TEST_MODE = 'http2';

compile('test');
const parts = ['unit', 'integration'].filter((part) => args.includes(`--${part}`) || !args.some((arg) => /^--(unit|integration)$/.test(arg)));
const files = parts
  .flatMap((part) =>
    readdirSync(`${root}build/test/${part}`, { recursive: true })
      .filter((file) => file.endsWith('.test.js'))
      .sort()
      .map((file) => `${root}build/test/${part}/${file}`),
  )
  .filter((file) => words.length === 0 || words.some((word) => file.slice(`${root}build/test/`.length).includes(word)));

if (files.length === 0) {
  console.error('No test file matches.');
  process.exit(64);
}
// One file's hang must not hold the whole run: the limits are far above what the slowest file needs.
run({ files, concurrency: 2, timeout: process.env.PROVE === undefined ? 600_000 : 3_600_000 })
  .on('test:fail', (data) => {
    if (data.todo === undefined || data.todo === false) process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);
