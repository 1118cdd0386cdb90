// The image of examples/container, as far as they can be checked where no image can be built.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { resolveConfig } from '#src/config/resolve.js';
import type { Config } from '#src/config/options.js';
import { ROOT } from '../support/paths.js';

const dockerfile = readFileSync(`${ROOT}examples/container/Dockerfile`, 'utf8');

/** Instructions of the last stage, lines that go on put together. */
function instructions(): { readonly name: string; readonly text: string }[] {
  const lines = dockerfile.replaceAll(/^#.*\n/gm, '').replaceAll(/\\\n\s*/g, '').split('\n').filter((line) => line !== '');
  const all = lines.map((line) => ({ name: /^\w+/.exec(line)?.[0] ?? '', text: line.replace(/^\w+\s+/, '') }));
  return all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
}

const configWith = (env: Readonly<Record<string, string>>): Config =>
  resolveConfig({ file: { path: '/app/grpcserverd.config.json', data: { servicers: ['./x.js'] } }, env, flags: {}, cwd: '/app' }).config;

test('the command of the image has no shell around it, and its user is not root', () => {
  const given = Object.fromEntries(instructions().map(({ name, text }) => [name, text]));
  for (const name of ['ENTRYPOINT', 'CMD', 'RUN']) assert(Array.isArray(JSON.parse(given[name] ?? '')), `${name} is in exec form`);
  assert.deepEqual([given.ENTRYPOINT, given.CMD, given.STOPSIGNAL, given.USER], ['["grpcserverd"]', '["start"]', 'SIGTERM', 'node']);
  assert.match(given.HEALTHCHECK ?? '', /CMD \["node", "-e", ".*\/readyz.*"\]$/);
});

test('what the image sets are options, and its health check asks where the page is', () => {
  const env = Object.fromEntries(instructions().filter(({ name }) => name === 'ENV').flatMap(({ text }) => text.split(/\s+/).map((pair) => pair.split('=') as [string, string])));
  const ours = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('GRPCSERVERD_')));
  const { runtimeDir, admin } = configWith(ours);
  assert.deepEqual([runtimeDir, admin], ['/run/grpcserverd', { host: '::', port: 9090 }]);
});
