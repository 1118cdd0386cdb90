import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SteadyClock } from '#src/primary/steady-clock.js';
import { FakeClock } from '../../support/fake-clock.js';

test('time that passes while the process runs counts', () => {
  const fake = new FakeClock();
  const clock = new SteadyClock(fake);
  fake.advance(60_000);
  assert.equal(clock.monotonic(), 60_000);
});

test('time that passes while the process stands still does not count', () => {
  const fake = new FakeClock();
  const clock = new SteadyClock(fake);
  fake.advance(1000);
  fake.suspend(3_600_000);
  fake.advance(1000);
  assert.equal(clock.monotonic(), 2000);
});

test('a pause as short as a busy loop counts', () => {
  const fake = new FakeClock();
  const clock = new SteadyClock(fake);
  fake.suspend(2000);
  assert.equal(clock.monotonic(), 2000);
});

test('after stop it looks no more', () => {
  const fake = new FakeClock();
  const clock = new SteadyClock(fake);
  clock.stop();
  assert.equal(fake.pending, 0);
});
