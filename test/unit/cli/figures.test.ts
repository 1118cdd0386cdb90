import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAge, formatBytes, formatCount, formatRate, formatTime } from '#src/cli/figures.js';

function table<T>(format: (value: T) => string, cases: readonly (readonly [T, string])[]): void {
  for (const [value, text] of cases) assert.equal(format(value), text, String(value));
}

test('ages have two units at the most', () => {
  table(formatAge, [[0, '0s'], [0.9, '0s'], [75, '1m15s'], [3600, '1h'], [3661, '1h1m'], [90_061, '1d1h'], [86_400, '1d']]);
});

test('times go from fractions of a millisecond to minutes, and none is longer than six characters', () => {
  table(formatTime, [[0, '0'], [0.04, '0.0ms'], [9.949, '9.9ms'], [9.95, '10ms'], [999.4, '999ms'], [999.5, '1.0s'], [99_940, '99.9s'], [190_000, '3m10s']]);
});

test('counts, rates and sizes are a few characters', () => {
  table(formatCount, [[0, '0'], [9999, '9999'], [10_000, '10.0k'], [99_949, '99.9k'], [99_950, '100k'], [999_500, '1.0M']]);
  table(formatRate, [[0, '0'], [0.5, '0.5'], [9.95, '10'], [12_345, '12.3k']]);
  table(formatBytes, [[0, '0M'], [88e6, '88M'], [999.5e6, '1.0G']]);
});
