import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findObstacle } from '#src/primary/upgrade/obstacle.js';
import { whyBusy } from '#src/primary/upgrade/why-busy.js';

test('a daemon that is PID 1, or the child of an init that ends with it, cannot be replaced', () => {
  assert.match(findObstacle(1, 0) ?? '', /PID 1/);
  assert.match(findObstacle(7, 1, () => 'tini') ?? '', /started by tini/);
  assert.equal(findObstacle(7, 1, () => 'systemd'), null);
  assert.equal(findObstacle(700, 650, () => 'tini'), null);
});

test('a daemon that starts, reloads or stops cannot be replaced just now', () => {
  assert.equal(whyBusy({ phase: 'serving', isLeaving: false, isReloading: false }), null);
  assert.match(whyBusy({ phase: 'serving', isLeaving: false, isReloading: true }) ?? '', /reload/);
  assert.match(whyBusy({ phase: 'booting', isLeaving: false, isReloading: false }) ?? '', /not started/);
  assert.match(whyBusy({ phase: 'serving', isLeaving: true, isReloading: true }) ?? '', /stops/);
  assert.match(whyBusy({ phase: 'stopping', isLeaving: false, isReloading: false }) ?? '', /stops/);
});
