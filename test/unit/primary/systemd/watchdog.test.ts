import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Watchdog } from '#src/primary/systemd/watchdog.js';
import { FakeClock } from '../../../support/fake-clock.js';

class Rig {
  readonly clock = new FakeClock();
  ailment: string | null = null;
  pings = 0;
  readonly causes: unknown[] = [];
  readonly watchdog = new Watchdog({
    clock: this.clock,
    emit: (_name, fields) => this.causes.push((fields as { readonly cause: string }).cause),
    period: 30_000,
    ailment: () => this.ailment,
    ping: () => (this.pings += 1),
  });
}

test('it is answered three times in a period', () => {
  const rig = new Rig();
  rig.clock.advance(90_000);
  assert.deepEqual([rig.pings, rig.causes], [9, []]);
});

test('it gets no answer while the service is not well, and the log says why', () => {
  const rig = new Rig();
  rig.ailment = 'no worker is ready';
  rig.clock.advance(20_000);
  assert.deepEqual([rig.pings, rig.causes], [0, ['no worker is ready', 'no worker is ready']]);
  rig.ailment = null;
  rig.clock.advance(10_000);
  assert.equal(rig.pings, 1);
});

test('a loop that comes to it late is not sane, until it is prompt again', () => {
  const rig = new Rig();
  rig.clock.suspend(16_000);
  assert.deepEqual([rig.pings, rig.causes], [0, ['the event loop of the primary is 6000 ms late']]);
  rig.clock.advance(10_000);
  assert.equal(rig.pings, 1, 'in time: 26 of 30 seconds');
  rig.clock.suspend(14_000);
  assert.equal(rig.pings, 2, 'four seconds are no illness');
});

test('closed, it holds no timer', () => {
  const rig = new Rig();
  rig.watchdog.close();
  assert.equal(rig.clock.pending, 0);
});
