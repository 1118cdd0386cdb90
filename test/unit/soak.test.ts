import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Account } from '../soak/account.js';
import { Curves, ROLES, type Role } from '../soak/curves.js';

const MIB = 2 ** 20;

function curves(role: Role, rss: (second: number) => number, files: (second: number) => number): Curves {
  const made = new Curves();
  for (let at = 0; at < 60; at += 1) made.samples.push({ at, role, pid: 1, rss: rss(at), files: files(at) });
  return made;
}

for (const role of ROLES) {
  test(`a soak fails when the memory or the open files of a ${role} rise, and not when they are level`, () => {
    assert.deepEqual(curves(role, () => 60 * MIB, () => 30).rising(), []);
    assert.match(String(curves(role, (at) => (60 + 5 * at) * MIB, () => 30).rising()), new RegExp(`^The memory of a ${role} grew from \\d+\\.\\d MiB`));
    assert.match(String(curves(role, () => 60 * MIB, (at) => 30 + 2 * at).rising()), new RegExp(`^The open files of a ${role} grew from \\d+ in`));
  });
}

test('a worker that is large for a few seconds and comes back is not a curve that rises', () => {
  const isFlooded = (at: number): boolean => at > 50 && at < 56;
  assert.deepEqual(curves('worker', (at) => (isFlooded(at) ? 600 : 100) * MIB, () => 26).rising(), []);
});

test('a call that failed is explained by a kill within its time, and by nothing when it failed with something else', () => {
  const account = new Account();
  account.disturbed('a worker killed (pid 7)', 1000, 3000);
  const call = { client: 'Go', kind: 'unary', details: '', expected: 'OK' };
  account.ended({ ...call, from: 900, to: 1100, code: 'UNAVAILABLE' });
  assert.deepEqual([...account.cut], [['a worker killed', 1]]);
  account.ended({ ...call, from: 3100, to: 3200, code: 'UNAVAILABLE' });
  account.ended({ ...call, from: 900, to: 1100, code: 'INTERNAL' });
  assert.equal(account.failures, 2);
  assert.deepEqual(account.unexplained.map(({ code }) => code), ['UNAVAILABLE', 'INTERNAL']);
});
