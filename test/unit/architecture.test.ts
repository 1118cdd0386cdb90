import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../../../src', import.meta.url));

/** Which folder may import which; a file at the top of src/ counts as `index`. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  config: ['shared'],
  ipc: ['config', 'shared'],
  control: ['config', 'shared'],
  primary: ['control', 'ipc', 'config', 'shared'],
  http2: ['shared'],
  front: ['http2', 'config', 'shared'],
  router: ['front', 'http2', 'ipc', 'config', 'shared'],
  worker: ['front', 'http2', 'ipc', 'config', 'shared'],
  cli: ['control', 'config', 'shared'],
  dashboard: [],
  // Runs what a worker runs, in the process of a user's test.
  testing: ['worker', 'config', 'shared'],
  index: ['worker', 'testing', 'config', 'shared'],
};

/** Edges that have a reason of their own. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // The CLI process becomes the primary.
  'cli/commands/start.ts': ['primary'],
  // What users' files import as the package grpcserverd is this very package.
  'worker/import-module.ts': ['index'],
};

/** A table of data may be as long as it is. */
const TABLES = ['shared/errors.ts', 'shared/events.ts', 'config/options.ts', 'config/option-types.ts', 'config/option-values.ts'];
const LONGEST = 280;
/** The one place where all parts of the primary meet; a call with all its ends; the grammar with all its rules. */
const LONG_FOR_A_REASON = ['front/client-streams.ts', 'primary/main.ts', 'worker/calls/active-call.ts', 'worker/services/descriptors/proto-parser.ts'];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const read = (file: string): string => readFileSync(join(SRC, file), 'utf8');
const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : 'index');

/** The files of ours that a file imports; `import type` counts too, for it is knowledge. */
function importsOf(file: string): string[] {
  return [...read(file).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, specifier = '']) =>
    relative(SRC, join(SRC, dirname(file), specifier)).replace(/\.js$/, '.ts'),
  );
}

test('the arrows of import point one way', () => {
  for (const file of files) {
    const from = folderOf(file);
    for (const imported of importsOf(file)) {
      const to = folderOf(imported);
      const allowed = from === to || ALLOWED[from]?.includes(to) === true || EXCEPTIONS[file]?.includes(to) === true;
      assert.ok(allowed, `${file} must not import ${imported}`);
    }
  }
});

test('no import goes round in a circle', () => {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `circle: ${[...path, file].join(' -> ')}`);
    if (done.has(file)) return;
    // Types alone make no circle at run time.
    const source = read(file).replace(/import type [^;]+;/g, '');
    const values = [...source.matchAll(/from\s+'(\.[^']+)'/g)].map(([, specifier = '']) =>
      relative(SRC, join(SRC, dirname(file), specifier)).replace(/\.js$/, '.ts'),
    );
    for (const imported of values) visit(imported, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

test('the primary imports no package that runs or parses what users write', () => {
  for (const file of files.filter((name) => folderOf(name) === 'primary')) {
    assert.doesNotMatch(read(file), /from '(?:jiti|yaml|smol-toml)'/, file);
  }
});

test('the page imports nothing that no browser has', () => {
  for (const file of files.filter((name) => folderOf(name) === 'dashboard')) {
    assert.doesNotMatch(read(file).replace(/import type [^;]+;/g, ''), /(?:from|import\()\s*'[^.]/, file);
    for (const [, specifier] of read(file).matchAll(/from '(#[^']+)'/g)) assert.match(specifier ?? '', /^#src\/control\//, file);
  }
});

test('node:cluster is imported in one file of each process', () => {
  const users = files.filter((file) => read(file).includes('from \'node:cluster\'') && !/import type [^;]*'node:cluster'/.test(read(file)));
  assert.deepEqual(users.sort(), ['primary/fork.ts', 'router/main.ts', 'worker/main.ts']);
});

test('every file of a process says in its first lines where it runs', () => {
  for (const file of files.filter((name) => ['primary', 'worker', 'router'].includes(folderOf(name)))) {
    assert.match(read(file).slice(0, 400), /^\/[/*][^]*(?:runs? in|in workers|in routers|a worker|a router|the inspector)/i, file);
  }
});

test('files stay small', () => {
  const lengths = files.filter((file) => !TABLES.includes(file)).map((file) => ({ file, lines: read(file).split('\n').length }));
  for (const { file, lines } of lengths) {
    if (!LONG_FOR_A_REASON.includes(file)) assert.ok(lines <= LONGEST, `${file} has ${lines} lines`);
  }
  const median = lengths.map(({ lines }) => lines).sort((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 0;
  assert.ok(median <= 90, `the median is ${median} lines`);
});
