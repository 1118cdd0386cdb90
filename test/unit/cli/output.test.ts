import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clip, plain, styleFor, table, wrap } from '#src/cli/output.js';

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

test('a text is clipped by what is seen of it, and its colours end', () => {
  assert.equal(clip('abcdef', 6), 'abcdef');
  assert.equal(clip('abcdef', 5), 'abcd…');
  assert.equal(clip('\u001B[31mabc\u001B[0mdef', 6), '\u001B[31mabc\u001B[0mdef');
  assert.equal(clip('\u001B[31mabc\u001B[0mdef', 3), '\u001B[31mab…\u001B[0m');
});

test('a text is wrapped between words', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrap('\u001B[31mone\u001B[0m two averylongword', 7), ['\u001B[31mone\u001B[0m two', 'averylongword']);
  assert.deepEqual(wrap('one two', Infinity), ['one two']);
});

test('what comes from elsewhere cannot move the cursor', () => {
  assert.equal(plain('a\n  b\u001B[2J\u001B]0;title\u0007\u009Bc'), 'a   b ]0;title c');
});
