// What is published: all that runs needs, nothing else, and nothing that runs by itself when it is installed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ROOT } from '../support/paths.js';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

// Ours, of a shape that the tests below look at.
const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Manifest;

function packed(): string[] {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [{ files } = { files: [] }] = JSON.parse(output) as { files: { path: string }[] }[];
  return files.map(({ path }) => path);
}

const WANTED = [
  /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md)$/,
  /^bin\/grpcserverd\.js$/,
  /^dist\/.+\.(?:js|d\.ts|proto)$/,
  /^dist\/dashboard\/.+\.(?:html|css|svg|txt)$/,
  /^docs\/.+\.md$/,
  /^man\/grpcserverd\.1$/,
  /^config\/grpcserverd\.example\.yaml$/,
  /^systemd\/.+/,
  /^examples\/.+/,
];

test('the package holds what it needs and nothing else', () => {
  const files = packed();
  assert.deepEqual(files.filter((path) => !WANTED.some((pattern) => pattern.test(path))), []);
  for (const pattern of WANTED) assert.ok(files.some((path) => pattern.test(path)), String(pattern));
  for (const path of ['bin/grpcserverd.js', 'dist/cli/main.js', 'dist/index.js', 'dist/index.d.ts', 'dist/worker/main.js', 'dist/router/main.js', 'dist/testing.d.ts', 'dist/control/control.proto', 'dist/worker/async/rich-error.proto']) {
    assert.ok(files.includes(path), path);
  }
});

test('nothing runs when the package is installed', () => {
  // npm runs these for whoever installs it; `prepare` only for a checkout.
  assert.deepEqual(['preinstall', 'install', 'postinstall'].filter((name) => name in manifest.scripts), []);
  assert.ok(!existsSync(`${ROOT}binding.gyp`), 'npm would compile it');
});

test('every dependency is locked, with the hash of what is installed', () => {
  const lock = JSON.parse(readFileSync(`${ROOT}package-lock.json`, 'utf8')) as { packages: Record<string, { integrity?: string; link?: boolean }> };
  for (const name of Object.keys(manifest.dependencies)) assert.match(lock.packages[`node_modules/${name}`]?.integrity ?? '', /^sha512-/, name);
  const loose = Object.entries(lock.packages).filter(([path, { integrity, link }]) => path !== '' && link !== true && integrity === undefined);
  assert.deepEqual(loose.map(([path]) => path), []);
});
