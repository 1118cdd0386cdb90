import assert from 'node:assert/strict';
import { test } from 'node:test';
import { styleFor, table } from '#src/cli/output.js';

const TERMINAL = { isTTY: true };

test('colours are for terminals, and for those who want them', () => {
  const red = (stream: { isTTY?: boolean }, env: Record<string, string>): string => styleFor(stream, env).red('x');
  assert.equal(red(TERMINAL, {}), '\u001B[31mx\u001B[0m');
  assert.equal(red(TERMINAL, { NO_COLOR: '' }), '\u001B[31mx\u001B[0m');
  assert.equal(red(TERMINAL, { NO_COLOR: '1' }), 'x');
  assert.equal(red(TERMINAL, { TERM: 'dumb' }), 'x');
  assert.equal(red({}, {}), 'x');
});

test('a table has aligned columns and no blanks at the ends of lines', () => {
  assert.equal(table([['a', 'bb', ''], ['aaa', 'b', 'c']], ' '), ' a    bb\n aaa  b   c\n');
  assert.equal(table([]), '');
});
