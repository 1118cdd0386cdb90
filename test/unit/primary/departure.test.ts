import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToWorker } from '#src/ipc/messages.js';
import { Departure } from '#src/primary/departure.js';
import type { Supervisor } from '#src/primary/supervisor.js';
import type { WorkerHandle } from '#src/primary/worker-handle.js';
import { FakeClock } from '../../support/fake-clock.js';

interface FakeWorker {
  state: WorkerHandle['state'];
  readonly told: string[];
}

class Rig {
  readonly clock = new FakeClock();
  readonly stops: string[] = [];
  readonly events: string[] = [];
  readonly workers: FakeWorker[] = [];
  readonly departure: Departure;

  constructor(shutdownDelay: number, states: readonly WorkerHandle['state'][] = ['ready']) {
    for (const state of states) this.add(state);
    // What a departure uses of a supervisor.
    const supervisor = {
      phase: 'serving',
      plan: { generation: { config: { shutdownDelay } } },
      workers: this.workers,
    } as unknown as Supervisor;
    this.departure = new Departure({
      clock: this.clock,
      emit: (name) => this.events.push(name),
      supervisor,
      stop: (cause, quick) => this.stops.push(`${cause}${quick ? ' quick' : ''}`),
      onChange: () => undefined,
    });
  }

  add(state: WorkerHandle['state']): FakeWorker {
    const told: string[] = [];
    const worker = { state, told, send: ({ type }: ToWorker) => told.push(type) > 0 };
    this.workers.push(worker);
    return worker;
  }
}

test('without shutdownDelay a stop is a stop', () => {
  const rig = new Rig(0);
  rig.departure.stop('SIGTERM', false);
  assert.deepEqual([rig.stops, rig.departure.isLeaving, rig.clock.pending], [['SIGTERM'], false, 0]);
});

test('a stop is announced at once, to all that serve, and comes after shutdownDelay', () => {
  const rig = new Rig(5000, ['ready', 'starting']);
  rig.departure.stop('SIGTERM', false);
  assert.deepEqual([rig.stops, rig.departure.isLeaving, rig.events], [[], true, ['daemon.leaving']]);
  assert.deepEqual(rig.workers.map(({ told }) => told), [['announce-stop'], []]);
  rig.clock.advance(4999);
  assert.deepEqual(rig.stops, []);
  rig.clock.advance(1);
  assert.deepEqual(rig.stops, ['SIGTERM']);
});

test('a worker that becomes ready meanwhile is told, once', () => {
  const rig = new Rig(5000, ['ready', 'starting']);
  rig.departure.noteChange();
  rig.departure.stop('SIGTERM', false);
  const [, late] = rig.workers;
  assert.ok(late);
  late.state = 'ready';
  rig.departure.noteChange();
  rig.departure.noteChange();
  assert.deepEqual(rig.workers.map(({ told }) => told), [['announce-stop'], ['announce-stop']]);
});

test('another graceful stop changes nothing; a quick one does not wait', () => {
  const rig = new Rig(5000);
  rig.departure.stop('SIGTERM', false);
  rig.departure.stop('stop command', false);
  assert.deepEqual(rig.stops, []);
  rig.departure.stop('SIGQUIT', true);
  assert.deepEqual([rig.stops, rig.clock.pending], [['SIGQUIT quick'], 0]);
});

test('a fleet without a ready worker has nobody to wait for', () => {
  const rig = new Rig(5000, ['starting', 'draining']);
  rig.departure.stop('SIGTERM', false);
  assert.deepEqual(rig.stops, ['SIGTERM']);
});
