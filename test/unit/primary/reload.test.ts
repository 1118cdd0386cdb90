// A reload on a fake clock: which worker is forked, drained or killed when.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { Dispatcher } from '#src/primary/dispatcher.js';
import type { RollResult } from '#src/primary/plan.js';
import { PROBATION, Supervisor } from '#src/primary/supervisor.js';
import { FakeClock } from '../../support/fake-clock.js';
import { fakeFork, type FakeProcess } from '../../support/fake-fork.js';
import { generationOf } from '../../support/generation.js';

const FAILURE = { code: 'E_SERVICER', message: 'a.js:3:5: unexpected token', hint: 'Mend it.' } as const;

class Rig {
  readonly clock = new FakeClock();
  readonly processes: FakeProcess[];
  readonly supervisor: Supervisor;
  commits = 0;

  constructor(settings: UserConfig) {
    const { fork, processes } = fakeFork();
    this.processes = processes;
    this.supervisor = new Supervisor({
      clock: this.clock,
      emit: () => undefined,
      random: () => 0.5,
      fork,
      dispatcher: new Dispatcher({ clock: this.clock, maxConnections: 100, maxConnectionsPerAddress: null, maxHeld: 100, queueTimeout: 1000, onRefused: () => undefined }),
      generation: generationOf(settings),
      onReady: () => undefined,
      onStopping: () => undefined,
      onChange: () => undefined,
      onMessage: () => undefined,
    });
  }

  /** Lets the boot queue and promises do what they can. */
  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** The process of a slot and generation that is still there. */
  at(slot: number, generation: number): FakeProcess {
    const handle = this.supervisor.workers.find((worker) => worker.slot === slot && worker.generation === generation);
    const process = this.processes.find(({ process: { pid } }) => pid === handle?.pid);
    assert.ok(process, `worker ${String(slot)} of generation ${String(generation)} is there`);
    return process;
  }

  fleet(): string[] {
    return this.supervisor.workers.map(({ slot, generation, state }) => `${String(slot)}/${String(generation)} ${state}`);
  }

  /** It says that it is ready, and stays so until it is trusted. */
  async ready(slot: number, generation: number): Promise<void> {
    this.at(slot, generation).says({ type: 'ready', services: [] });
    await this.turn();
    this.clock.advance(PROBATION);
    await this.turn();
  }

  async leaves(slot: number, generation: number, finished = 0): Promise<void> {
    const process = this.at(slot, generation);
    process.says({ type: 'drained', finished, cut: [] });
    process.exits(0);
    await this.turn();
  }

  async fails(slot: number, generation: number, permanent: boolean): Promise<void> {
    const process = this.at(slot, generation);
    process.says({ type: 'failed', error: FAILURE, permanent });
    process.exits(permanent ? 78 : 1);
    await this.turn();
  }

  async roll(settings: UserConfig): Promise<{ result: Promise<RollResult>; settled: () => Promise<RollResult | 'running'> }> {
    const result = this.supervisor.roll(generationOf(settings), 'test', () => {
      this.commits += 1;
    });
    await this.turn();
    return { result, settled: () => Promise.race([result, this.turn().then(() => 'running' as const)]) };
  }
}

async function serving(settings: UserConfig): Promise<Rig> {
  const rig = new Rig(settings);
  rig.supervisor.start();
  await rig.turn();
  for (let slot = 0; slot < rig.supervisor.plan.goal.workers; slot++) await rig.ready(slot, 1);
  return rig;
}

const two = { maxWorkers: 2, bootConcurrency: 8 } as const;

test('a canary comes first, then the others, and no old worker leaves before all are ready', async () => {
  const rig = await serving(two);
  const { settled } = await rig.roll(two);
  assert.deepEqual(rig.fleet(), ['0/1 ready', '0/2 starting', '1/1 ready']);
  await rig.ready(0, 2);
  assert.deepEqual(rig.fleet(), ['0/1 ready', '0/2 ready', '1/1 ready', '1/2 starting']);
  assert.equal(rig.commits, 0);
  await rig.ready(1, 2);
  assert.deepEqual(rig.fleet(), ['0/1 draining', '0/2 ready', '1/1 draining', '1/2 ready']);
  assert.equal(rig.commits, 1);
  assert.equal(await settled(), 'running');
  await rig.leaves(0, 1, 3);
  await rig.leaves(1, 1, 4);
  const result = await settled();
  assert.ok(result !== 'running');
  assert.equal(result.verdict, 'done');
  assert.deepEqual(result.drained.map(({ slot, finished }) => [slot, finished]), [[0, 3], [1, 4]]);
});

test('old workers ask their clients to leave one after the other', async () => {
  const rig = await serving({ ...two, maxWorkers: 3 });
  await rig.roll({ ...two, maxWorkers: 3 });
  for (const slot of [0, 1, 2]) await rig.ready(slot, 2);
  assert.deepEqual([0, 1, 2].map((slot) => rig.at(slot, 1).drains()[0]?.delay), [0, 1000, 2000]);
});

test('a canary that fails for good rolls back at once; the old generation was never touched', async () => {
  const rig = await serving(two);
  const { settled } = await rig.roll(two);
  await rig.fails(0, 2, true);
  const result = await settled();
  assert.ok(result !== 'running');
  assert.deepEqual([result.verdict, result.error?.message], ['rolled-back', FAILURE.message]);
  assert.deepEqual(rig.fleet(), ['0/1 ready', '1/1 ready']);
  assert.equal(rig.supervisor.plan.goal.generation, 1);
  assert.equal(rig.commits, 0);
  for (const slot of [0, 1]) assert.deepEqual(rig.at(slot, 1).drains(), []);
});

test('a canary that fails in another way is tried once more', async () => {
  const rig = await serving(two);
  const { settled } = await rig.roll(two);
  await rig.fails(0, 2, false);
  assert.equal(await settled(), 'running');
  assert.deepEqual(rig.fleet(), ['0/1 ready', '0/2 starting', '1/1 ready']);
  await rig.fails(0, 2, false);
  const result = await settled();
  assert.ok(result !== 'running' && result.verdict === 'rolled-back');
  assert.deepEqual(rig.fleet(), ['0/1 ready', '1/1 ready']);
});

test('a canary that is never ready is killed, tried again, and rolled back', async () => {
  const rig = await serving({ ...two, startTimeout: '5s' });
  const { settled } = await rig.roll({ ...two, startTimeout: '5s' });
  for (const old of [rig.at(0, 1), rig.at(1, 1)]) old.on('alive', () => undefined);
  const first = rig.at(0, 2);
  rig.clock.advance(5000);
  await rig.turn();
  assert.deepEqual(first.signals, ['SIGKILL']);
  first.exits(null, 'SIGKILL');
  await rig.turn();
  const second = rig.at(0, 2);
  rig.clock.advance(5000);
  await rig.turn();
  assert.deepEqual(second.signals, ['SIGKILL']);
  const result = await settled();
  assert.ok(result !== 'running' && result.verdict === 'rolled-back');
  assert.match(result.error?.message ?? '', /startTimeout/);
});

test('a failure after the canary rolls back what is ready too', async () => {
  const rig = await serving(two);
  const { settled } = await rig.roll(two);
  await rig.ready(0, 2);
  await rig.fails(1, 2, true);
  const result = await settled();
  assert.ok(result !== 'running' && result.verdict === 'rolled-back');
  assert.deepEqual(rig.fleet(), ['0/1 ready', '0/2 draining', '1/1 ready']);
  await rig.leaves(0, 2);
  assert.deepEqual(rig.fleet(), ['0/1 ready', '1/1 ready']);
});

test('a small surge replaces slot by slot, never above the goal and the surge', async () => {
  const rig = await serving({ ...two, maxWorkers: 3, surge: 1 });
  const { settled } = await rig.roll({ ...two, maxWorkers: 3, surge: 1 });
  for (const slot of [0, 1, 2]) {
    assert.equal(rig.supervisor.workers.filter(({ state }) => state === 'ready' || state === 'starting').length, 4);
    await rig.ready(slot, 2);
    assert.equal(rig.at(slot, 1).drains().length, 1);
    await rig.leaves(slot, 1);
  }
  const result = await settled();
  assert.ok(result !== 'running' && result.verdict === 'done');
  assert.deepEqual(rig.fleet(), ['0/2 ready', '1/2 ready', '2/2 ready']);
});

test('a failure after an old worker has left halts: both generations serve, and the next reload mends it', async () => {
  const rig = await serving({ ...two, surge: 1 });
  const { settled } = await rig.roll({ ...two, surge: 1 });
  await rig.ready(0, 2);
  await rig.leaves(0, 1);
  await rig.fails(1, 2, true);
  const result = await settled();
  assert.ok(result !== 'running' && result.verdict === 'halted');
  assert.deepEqual(rig.fleet(), ['0/2 ready', '1/1 ready']);
  assert.equal(rig.supervisor.plan.isMixed, true);

  const next = await rig.roll({ ...two, surge: 1 });
  for (const [slot, old] of [[0, 2], [1, 1]] as const) {
    await rig.ready(slot, 3);
    await rig.leaves(slot, old);
  }
  const mended = await next.settled();
  assert.ok(mended !== 'running' && mended.verdict === 'done');
  assert.equal(rig.supervisor.plan.isMixed, false);
});

test('a stop during a reload pre-empts it and takes both generations along', async () => {
  const rig = await serving(two);
  const { settled } = await rig.roll(two);
  await rig.ready(0, 2);
  rig.supervisor.stop('SIGTERM', false);
  const result = await settled();
  assert.ok(result !== 'running' && result.verdict === 'pre-empted');
  assert.ok(rig.supervisor.workers.every(({ state }) => state === 'draining'));
});

test('a reload to more workers starts all of them before an old one leaves; to fewer, none is missed meanwhile', async () => {
  const rig = await serving(two);
  const more = await rig.roll({ ...two, maxWorkers: 3 });
  for (const slot of [2, 0, 1]) await rig.ready(slot, 2);
  for (const slot of [0, 1]) await rig.leaves(slot, 1);
  const grown = await more.settled();
  assert.ok(grown !== 'running' && grown.verdict === 'done');
  assert.equal(rig.supervisor.plan.goal.workers, 3);

  const fewer = await rig.roll({ ...two, maxWorkers: 1 });
  assert.equal(rig.supervisor.workers.filter(({ state }) => state === 'ready').length, 3);
  for (const slot of [0, 1, 2]) await rig.ready(slot, 3);
  for (const [slot, generation] of [[0, 2], [1, 2], [2, 2], [1, 3], [2, 3]] as const) await rig.leaves(slot, generation);
  const shrunk = await fewer.settled();
  assert.ok(shrunk !== 'running' && shrunk.verdict === 'done');
  assert.deepEqual(rig.fleet(), ['0/3 ready']);
});

test('scale survives a reload, unless the config asks for other numbers', async () => {
  const rig = await serving(two);
  rig.supervisor.scale(3, 'scale');
  await rig.turn();
  await rig.ready(2, 1);
  await rig.roll(two);
  for (const slot of [0, 1, 2]) await rig.ready(slot, 2);
  assert.deepEqual([rig.supervisor.plan.goal.workers, rig.supervisor.plan.goal.source], [3, 'scale']);
  for (const slot of [0, 1, 2]) await rig.leaves(slot, 1);
  await rig.roll({ ...two, maxWorkers: 1 });
  for (const slot of [0, 1, 2]) await rig.ready(slot, 3);
  assert.deepEqual([rig.supervisor.plan.goal.workers, rig.supervisor.plan.goal.source], [1, 'config']);
});

test('an old worker that crashes while the canary boots is replaced when the canary has proven itself', async () => {
  const rig = await serving(two);
  await rig.roll(two);
  rig.at(1, 1).exits(null, 'SIGKILL');
  await rig.turn();
  assert.deepEqual(rig.fleet(), ['0/1 ready', '0/2 starting']);
  await rig.ready(0, 2);
  assert.deepEqual(rig.fleet(), ['0/1 ready', '0/2 ready', '1/2 starting']);
});

test('a worker that dies soon after it was ready counts against the reload, and no old worker has left', async () => {
  const rig = await serving({ maxWorkers: 1 });
  const { settled } = await rig.roll({ maxWorkers: 1 });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    rig.at(0, 2).says({ type: 'ready', services: [] });
    await rig.turn();
    rig.clock.advance(PROBATION - 1);
    assert.deepEqual(rig.fleet(), ['0/1 ready', '0/2 ready']);
    rig.at(0, 2).exits(9);
    await rig.turn();
  }
  const result = await settled();
  assert.ok(result !== 'running' && result.verdict === 'rolled-back');
  assert.match(result.error?.message ?? '', /exit code 9/);
  assert.deepEqual([rig.fleet(), rig.commits, rig.at(0, 1).drains()], [['0/1 ready'], 0, []]);
});
