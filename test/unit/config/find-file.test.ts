import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { CONFIG_EXTENSIONS, findConfigFile } from '#src/config/find-file.js';
import { DaemonError } from '#src/shared/errors.js';
import { TempDir } from '../../support/temp-dir.js';

const PLACES = ['grpcserverd.config', 'config/grpcserverd', 'etc/config'];

test('the first place that has a config counts', () => {
  using dir = new TempDir();
  const find = (): string | null => findConfigFile({ cwd: dir.path, places: PLACES });
  assert.equal(find(), null);
  mkdirSync(dir.join('etc'));
  mkdirSync(dir.join('config'));
  const etc = dir.write('etc/config.toml', '');
  assert.equal(find(), etc);
  dir.write('config/grpcserverd.example.yaml', '');
  const inner = dir.write('config/grpcserverd.json', '{}');
  assert.equal(find(), inner);
  const outer = dir.write('grpcserverd.config.yml', '');
  assert.equal(find(), outer);
});

test('every format is found', () => {
  for (const extension of CONFIG_EXTENSIONS) {
    using dir = new TempDir();
    const file = dir.write(`grpcserverd.config${extension}`, '');
    assert.equal(findConfigFile({ cwd: dir.path, places: PLACES }), file);
  }
});

test('two configs in one place are an error that names both', () => {
  using dir = new TempDir();
  dir.write('grpcserverd.config.ts', '');
  dir.write('grpcserverd.config.yaml', '');
  assert.throws(
    () => findConfigFile({ cwd: dir.path, places: PLACES }),
    (error: DaemonError) =>
      error.code === 'E_CONFIG_FILE' && error.message.includes('grpcserverd.config.ts and grpcserverd.config.yaml') && error.message.includes(dir.path),
  );
});

test('a folder with the name of a config is none', () => {
  using dir = new TempDir();
  mkdirSync(dir.join('grpcserverd.config.js'));
  assert.equal(findConfigFile({ cwd: dir.path, places: PLACES }), null);
});

test('a file that is named is taken, wherever it is, and whatever else is there', () => {
  using dir = new TempDir();
  dir.write('grpcserverd.config.yaml', '');
  assert.equal(findConfigFile({ cwd: dir.path, explicit: 'other/x.json', places: PLACES }), dir.join('other/x.json'));
  assert.equal(findConfigFile({ cwd: dir.path, explicit: '/x.toml', places: PLACES }), '/x.toml');
});

test('a named file of another format is refused with the formats', () => {
  assert.throws(
    () => findConfigFile({ cwd: '/', explicit: 'settings.ini' }),
    (error: DaemonError) => error.code === 'E_CONFIG_FILE' && /settings\.ini.*\.ts, .*\.toml/.test(error.message),
  );
});
