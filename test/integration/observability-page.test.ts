// The rules for alerts in docs/observability.md.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EVENTS } from '#src/shared/events.js';
import { METRICS } from '#src/shared/metrics.js';
import { ROOT } from '../support/paths.js';
import { skipUnless } from '../support/peers.js';
import { TempDir } from '../support/temp-dir.js';

const page = readFileSync(`${ROOT}docs/observability.md`, 'utf8');
const rules = /```yaml file=rules.yaml\n([^]*?)```/.exec(page)?.[1] ?? '';

test('the rules name metrics that there are, and the page events that there are', () => {
  const names = new Set([...rules.matchAll(/\bgrpc(?:serverd|_server)_\w+/g)].map(([name]) => name));
  assert(names.size >= 9, [...names].join());
  assert.deepEqual([...names].filter((name) => !(name in METRICS)), []);
  const events = [...page.matchAll(/`((?:daemon|worker|call|certificates|signature|connection|reload)\.[a-z-]+)`/g)].map(([, name = '']) => name);
  assert(events.length >= 10);
  assert.deepEqual(events.filter((name) => !(name in EVENTS)), []);
});

test('Prometheus takes the rules', { skip: skipUnless('prometheus') }, () => {
  using dir = new TempDir();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', dir.write('rules.yaml', rules)], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});
