import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZOMBIE_INTERVAL, ZombieWatch, type Zombie } from '#src/primary/zombie-watch.js';
import { FakeClock } from '../../support/fake-clock.js';

/** A watch over looks that find these pids. */
function watch(...looks: readonly (readonly number[])[]) {
  const clock = new FakeClock();
  const told: unknown[] = [];
  let looked = 0;
  const look = (): Zombie[] => (looks[looked++] ?? []).map((pid) => ({ pid, name: `p${pid}` }));
  const watching = new ZombieWatch({ clock, emit: (name, fields) => void told.push([name, { ...fields, hint: '' }]), look });
  for (const _ of looks) clock.advance(ZOMBIE_INTERVAL);
  return { clock, told, watching };
}

test('a process that stays ended is told of once, and nobody looks again', () => {
  const { told, clock } = watch([], [7], [7, 8], [7, 8, 9]);
  assert.deepEqual(told, [['daemon.zombies', { count: 1, processes: ['p7 (7)'], hint: '' }]]);
  assert.equal(clock.pending, 0);
});

test('many are counted, and the first named', () => {
  const all = Array.from({ length: 40 }, (_, index) => index + 10);
  const { told } = watch(all, all);
  assert.deepEqual(told, [['daemon.zombies', { count: 40, processes: ['p10 (10)', 'p11 (11)', 'p12 (12)', 'p13 (13)', 'p14 (14)'], hint: '' }]]);
});

test('children that end and are taken away are nothing to tell of', () => {
  const { told, clock, watching } = watch([7], [8], [9], []);
  assert.deepEqual(told, []);
  watching.close();
  assert.equal(clock.pending, 0);
});

test('only PID 1 looks', () => {
  const clock = new FakeClock();
  assert.equal(ZombieWatch.open(4711, { clock, emit: () => assert.fail() }), null);
  assert.equal(clock.pending, 0);
});
