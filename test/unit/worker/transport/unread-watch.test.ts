import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAY_STAY, PACE, UnreadWatch } from '#src/worker/transport/lean/unread-watch.js';
import { FakeClock } from '../../../support/fake-clock.js';

class Rig {
  readonly clock = new FakeClock();
  stalled = 0;
  readonly watch = new UnreadWatch({ clock: this.clock, onStalled: () => (this.stalled += 1) });
}

test('what is below the limit may wait for ever', () => {
  const { clock, watch } = new Rig();
  watch.grown(MAY_STAY);
  assert.equal(clock.pending, 0);
});

test('what is above it has to move', () => {
  const rig = new Rig();
  rig.watch.grown(MAY_STAY + 1);
  rig.clock.advance(PACE.ms - 1);
  assert.equal(rig.stalled, 0);
  rig.clock.advance(1);
  assert.equal(rig.stalled, 1);
});

test('a slow client is none that stands still', () => {
  const rig = new Rig();
  rig.watch.grown(2 * MAY_STAY);
  for (let minute = 0; minute < 10; minute += 1) {
    rig.watch.shrunk(PACE.bytes, 2 * MAY_STAY);
    rig.clock.advance(PACE.ms);
  }
  assert.equal(rig.stalled, 0);
  rig.watch.shrunk(PACE.bytes - 1, 2 * MAY_STAY);
  rig.clock.advance(PACE.ms);
  assert.equal(rig.stalled, 1);
});

test('one that has read enough is watched no more', () => {
  const rig = new Rig();
  rig.watch.grown(MAY_STAY + 1);
  rig.watch.shrunk(1, MAY_STAY);
  assert.equal(rig.clock.pending, 0);
});
