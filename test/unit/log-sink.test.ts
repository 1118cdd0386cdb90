import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogSink } from '#src/shared/log-sink.js';
import { FakeClock } from '../support/fake-clock.js';

/** A file descriptor that takes `room` bytes and then fails with `error`. */
function pipe(room: number, error: string) {
  const state = { room, error, text: '' };
  const write = (_fd: number, bytes: Buffer, offset: number): number => {
    const taken = Math.min(state.room, bytes.length - offset);
    if (taken === 0) throw Object.assign(new Error(state.error), { code: state.error });
    state.room -= taken;
    state.text += bytes.toString('utf8', offset, offset + taken);
    return taken;
  };
  return { state, write };
}

test('what fits is written at once', () => {
  const clock = new FakeClock();
  const { state, write } = pipe(100, 'EAGAIN');
  const sink = new LogSink(9, clock, write);
  sink.write('one\n');
  sink.write('two\n');
  assert.equal(state.text, 'one\ntwo\n');
});

test('a slow reader gets every line whole and in order', () => {
  const clock = new FakeClock();
  const { state, write } = pipe(6, 'EAGAIN');
  const sink = new LogSink(9, clock, write);
  for (const line of ['one\n', 'two\n', 'three\n']) sink.write(line);
  assert.equal(state.text, 'one\ntw');
  state.room = 100;
  clock.advance(10);
  assert.equal(state.text, 'one\ntwo\nthree\n');
  assert.equal(sink.takeDropped().lines, 0);
});

test('a reader that never reads costs lines, not memory', () => {
  const clock = new FakeClock();
  const { state, write } = pipe(3, 'EAGAIN');
  const sink = new LogSink(9, clock, write);
  const line = `${'x'.repeat(1023)}\n`;
  for (let count = 0; count < 1500; count++) sink.write(line);
  assert.deepEqual(sink.takeDropped(), { lines: 1500 - 1024, error: 'EAGAIN' });
  state.room = Infinity;
  clock.advance(10);
  assert.equal(state.text, line.repeat(1024));
});

for (const error of ['ENOSPC', 'EPIPE']) {
  test(`${error} drops lines and counts them, and later lines are tried again`, () => {
    const clock = new FakeClock();
    const { state, write } = pipe(4, error);
    const sink = new LogSink(9, clock, write);
    for (const line of ['one\n', 'two\n', 'three\n']) sink.write(line);
    assert.deepEqual(sink.takeDropped(), { lines: 2, error });
    state.room = 100;
    sink.write('four\n');
    assert.equal(state.text, 'one\nfour\n');
  });
}
