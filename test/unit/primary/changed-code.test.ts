// The fleet while the code on disk is not what its generation was proven with: nothing new of it, but for what crashed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dispatcher } from '#src/primary/dispatcher.js';
import { Supervisor } from '#src/primary/supervisor.js';
import { FakeClock } from '../../support/fake-clock.js';
import { fakeFork, type FakeProcess } from '../../support/fake-fork.js';
import { generationOf } from '../../support/generation.js';

const TWO = { maxWorkers: 2, bootConcurrency: 8 } as const;

class Rig {
  readonly clock = new FakeClock();
  readonly processes: FakeProcess[];
  readonly supervisor: Supervisor;
  code: 'proven' | 'changed' = 'proven';

  constructor() {
    const { fork, processes } = fakeFork();
    this.processes = processes;
    this.supervisor = new Supervisor({
      clock: this.clock,
      emit: () => undefined,
      random: () => 0.5,
      fork,
      dispatcher: new Dispatcher({ clock: this.clock, maxConnections: 100, maxConnectionsPerAddress: null, maxHeld: 100, queueTimeout: 1000, onRefused: () => undefined }),
      generation: generationOf(TWO),
      onReady: () => undefined,
      onStopping: () => undefined,
      onChange: () => undefined,
      onMessage: () => undefined,
      isCodeProven: () => Promise.resolve(this.code === 'proven'),
    });
  }

  /** All that has been forked and lives becomes ready. */
  async boot(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (const process of this.processes.filter(({ isAlive }) => isAlive)) process.says({ type: 'ready', services: [] });
    await new Promise((resolve) => setImmediate(resolve));
  }

  get slots(): number[] {
    return this.supervisor.workers.map(({ slot }) => slot);
  }
}

async function serving(): Promise<Rig> {
  const rig = new Rig();
  rig.supervisor.start();
  await rig.boot();
  assert.equal(rig.supervisor.phase, 'serving');
  return rig;
}

test('a fleet grows when the code is proven', async () => {
  const rig = await serving();
  rig.supervisor.scale(3, 'scale');
  await rig.boot();
  assert.deepEqual(rig.slots, [0, 1, 2]);
});

test('a fleet does not grow while the code on disk is another, and does once it is the same again', async () => {
  const rig = await serving();
  rig.code = 'changed';
  rig.supervisor.scale(3, 'scale');
  rig.supervisor.scale(4, 'scale');
  await rig.boot();
  assert.deepEqual(rig.slots, [0, 1]);
  assert.equal(rig.supervisor.plan.goal.workers, 4, 'the wish is kept');
  rig.clock.advance(10_000);
  await rig.boot();
  assert.deepEqual(rig.slots, [0, 1]);
  rig.code = 'proven';
  rig.clock.advance(10_000);
  await rig.boot();
  assert.deepEqual(rig.slots, [0, 1, 2, 3]);
});

test('a fleet that was kept from growing still shrinks', async () => {
  const rig = await serving();
  rig.code = 'changed';
  rig.supervisor.scale(4, 'scale');
  await rig.boot();
  rig.supervisor.scale(1, 'scale');
  await rig.boot();
  assert.deepEqual(rig.supervisor.workers.map(({ state }) => state), ['ready', 'draining']);
});

test('no worker is recycled while the code on disk is another, and one that crashes is replaced', async () => {
  const rig = await serving();
  rig.code = 'changed';
  const [worker] = rig.supervisor.workers;
  assert.ok(worker);
  rig.supervisor.recycle(worker, 'uncaughtException', 'once-a-minute');
  await rig.boot();
  assert.deepEqual(rig.slots, [0, 1]);
  rig.processes[1]?.exits(null, 'SIGKILL');
  await rig.boot();
  assert.deepEqual(rig.slots, [0, 1]);
  assert.equal(rig.processes.length, 3);

  rig.code = 'proven';
  rig.supervisor.recycle(worker, 'uncaughtException', 'once-a-minute');
  await rig.boot();
  assert.equal(rig.processes.length, 4);
});

test('a reload brings the workers that were kept back; rolled back, it does not', async () => {
  const rig = await serving();
  rig.code = 'changed';
  rig.supervisor.scale(3, 'scale');
  await rig.boot();
  const refused = rig.supervisor.roll(generationOf(TWO), 'test', () => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  rig.processes.at(-1)?.exits(78);
  assert.equal((await refused).verdict, 'rolled-back');
  await rig.boot();
  assert.deepEqual(rig.slots, [0, 1]);

  void rig.supervisor.roll(generationOf(TWO), 'test', () => undefined);
  for (let round = 0; round < 3; round += 1) {
    await rig.boot();
    rig.clock.advance(1000);
  }
  const fresh = rig.supervisor.workers.filter(({ generation }) => generation === 3).map(({ slot }) => slot);
  assert.deepEqual(fresh, [0, 1, 2]);
});
