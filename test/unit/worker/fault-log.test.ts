import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultLog } from '#src/worker/calls/fault-log.js';
import { FakeClock } from '../../support/fake-clock.js';

test('ten faults of a method a second are logged, the others counted, and no method hides another', () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = new FaultLog((name, fields) => void lines.push([name, ...Object.values(fields)].join(' ')), clock);
  const fail = (method: string, times: number): void => {
    for (let time = 0; time < times; time += 1) log.add({ method, peer: 'peer', error: 'error', code: 'INTERNAL' });
  };
  const fault = (method: string): string => `call.fault ${method} peer error INTERNAL`;
  fail('/a/A', 25);
  fail('/a/B', 2);
  assert.deepEqual(lines.splice(0), [...Array<string>(10).fill(fault('/a/A')), fault('/a/B'), fault('/a/B')]);
  clock.advance(1000);
  assert.deepEqual(lines.splice(0), ['call.faults-omitted /a/A 15']);
  fail('/a/A', 11);
  log.flush();
  assert.deepEqual(lines.splice(0), [...Array<string>(10).fill(fault('/a/A')), 'call.faults-omitted /a/A 1']);
  clock.advance(5000);
  assert.deepEqual(lines, []);
});
