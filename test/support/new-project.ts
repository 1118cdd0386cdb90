// A project of `grpcserverd init`, with the packed package in its node_modules.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testEnvironment } from './cli.js';
import { ROOT } from './paths.js';

export interface Result {
  readonly code: number;
  readonly output: string;
}

/** Packs this package, as `npm publish` would; returns the path of the tarball. */
export function packPackage(folder: string): string {
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as [{ filename: string }];
  return join(folder, packed.filename);
}

/** What `npm install` makes, without a registry: the tarball unpacked, and links to the packages that are here. */
export function linkPackages(project: string, tarball: string): void {
  const modules = join(project, 'node_modules');
  const own = join(modules, 'grpcserverd');
  mkdirSync(own, { recursive: true });
  mkdirSync(join(modules, '.bin'));
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', own]);
  for (const name of readdirSync(`${ROOT}node_modules`)) {
    if (!name.startsWith('.') && name !== 'grpcserverd') symlinkSync(`${ROOT}node_modules/${name}`, join(modules, name));
  }
  for (const name of ['tsc', 'proto-loader-gen-types']) symlinkSync(`${ROOT}node_modules/.bin/${name}`, join(modules, '.bin', name));
  symlinkSync('../grpcserverd/bin/grpcserverd.js', join(modules, '.bin/grpcserverd'));
}

/** A real `npm install` with the tarball for the package, all install scripts blocked. */
export async function installPackages(project: string, tarball: string): Promise<Result> {
  const file = join(project, 'package.json');
  const text = readFileSync(file, 'utf8');
  assert.match(text, /"grpcserverd": "\^\d/);
  writeFileSync(file, text.replace(/("grpcserverd": ")[^"]+/, `$1file:${tarball}`));
  return run(project, 'npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']);
}

/** Runs a program in the project to its end, a minute at most. */
export function run(project: string, program: string, args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(program, [...args], { cwd: project, env: testEnvironment(), timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr }));
  });
}
