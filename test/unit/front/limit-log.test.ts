import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitLog } from '#src/front/limit-log.js';
import { FakeClock } from '../../support/fake-clock.js';

test('the first of a flood is told at once, the others together a second later, and all are counted', () => {
  const clock = new FakeClock();
  const lines: unknown[] = [];
  const told: [string, number][] = [];
  const log = new LimitLog({
    clock,
    emit: (event, fields, level) => lines.push([event, fields, level]),
    tell: (limit, count) => told.push([limit, count]),
  });
  for (let number = 1; number <= 100; number += 1) log.add('resets', `192.0.2.${number}:1`);
  log.add('silent', '192.0.2.200:1');
  assert.deepEqual(told, [['resets', 1], ['silent', 1]]);
  clock.advance(1000);
  log.add('resets', '192.0.2.201:1');
  log.flush();
  assert.deepEqual(told, [['resets', 1], ['silent', 1], ['resets', 99], ['resets', 1]]);
  assert.deepEqual(lines, [
    ['connection.limited', { reason: 'resets', count: 1, peer: '192.0.2.1:1' }, 'warn'],
    ['connection.limited', { reason: 'silent', count: 1, peer: '192.0.2.200:1' }, 'info'],
    ['connection.limited', { reason: 'resets', count: 99, peer: '192.0.2.100:1' }, 'warn'],
    ['connection.limited', { reason: 'resets', count: 1, peer: '192.0.2.201:1' }, 'warn'],
  ]);
  clock.advance(10_000);
  assert.equal(clock.pending, 0);
});
