import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, formatSize, parseDuration, parseSize } from '#src/shared/quantity.js';

test('a duration needs a unit, but for 0', () => {
  assert.equal(parseDuration('250ms'), 250);
  assert.equal(parseDuration('30s'), 30_000);
  assert.equal(parseDuration('1.5m'), 90_000);
  assert.equal(parseDuration('0'), 0);
  for (const bad of ['30', '', 's', '-1s', '30 seconds', '1e3ms']) assert.equal(parseDuration(bad), undefined, bad);
});

test('a duration is printed in its largest exact unit', () => {
  assert.deepEqual([0, 250, 1000, 90_000, 3_600_000].map(formatDuration), ['0ms', '250ms', '1s', '90s', '1h']);
});

test('a size is bytes or has a unit, in any case of letters', () => {
  assert.equal(parseSize('4MiB'), 4_194_304);
  assert.equal(parseSize('16kib'), 16_384);
  assert.equal(parseSize('1000'), 1000);
  assert.equal(parseSize('1.5 MB'), 1_500_000);
  for (const bad of ['', 'MiB', '-1', '4 pounds']) assert.equal(parseSize(bad), undefined, bad);
});

test('a size is printed in its largest exact unit', () => {
  assert.deepEqual([100, 16_384, 4_194_304].map(formatSize), ['100B', '16KiB', '4MiB']);
});
