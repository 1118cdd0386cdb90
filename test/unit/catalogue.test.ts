import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { ERRORS } from '#src/shared/errors.js';
import { EVENTS } from '#src/shared/events.js';
import { ROOT } from '../support/paths.js';

/** All source text but that of one file. */
function sourceWithout(excluded: string): string {
  const files = readdirSync(`${ROOT}src`, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && file !== excluded);
  return files.map((file) => readFileSync(`${ROOT}src/${file}`, 'utf8')).join('\n');
}

test('every error of the catalogue is raised somewhere', () => {
  const source = sourceWithout('shared/errors.ts');
  const unused = Object.keys(ERRORS).filter((code) => code !== 'E_INTERNAL' && !source.includes(`'${code}'`));
  assert.deepEqual(unused, []);
});

test('every event of the table is logged somewhere', () => {
  const source = sourceWithout('shared/events.ts');
  const unused = Object.keys(EVENTS).filter((name) => !source.includes(`'${name}'`));
  assert.deepEqual(unused, []);
});
