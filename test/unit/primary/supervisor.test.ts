import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dispatcher } from '#src/primary/dispatcher.js';
import { SteadyClock } from '#src/primary/steady-clock.js';
import type { Outcome } from '#src/primary/phases.js';
import { PROBATION, Supervisor } from '#src/primary/supervisor.js';
import { FakeClock } from '../../support/fake-clock.js';
import { fakeFork, type FakeProcess } from '../../support/fake-fork.js';
import { generationOf } from '../../support/generation.js';

const HEARTBEAT = { type: 'heartbeat', connections: 0, inFlight: 0, calls: 0, eventLoopDelay: 0, eventLoopUtilization: 0, rss: 1, heapUsed: 1, p99: 0, oldestCall: null, cpu: 0, served: { inFlight: 0, ended: 0, failed: 0 } } as const;

interface Rig {
  readonly clock: FakeClock;
  readonly supervisor: Supervisor;
  readonly processes: FakeProcess[];
  readonly events: { name: string; fields: Record<string, unknown> }[];
  /** Lets the boot queue, which works in microtasks, do what it can. */
  readonly turn: () => Promise<void>;
  /** Time passes while those workers give signs of life. */
  readonly pass: (ms: number, alive?: readonly FakeProcess[]) => Promise<void>;
  readonly outcome: () => Promise<Outcome | 'running'>;
  readonly count: (name: string) => number;
}

async function rig(workers = 2, bootConcurrency = 8, isReplacing = () => false): Promise<Rig> {
  const clock = new FakeClock();
  const steady = new SteadyClock(clock);
  const { fork, processes } = fakeFork();
  const events: Rig['events'] = [];
  const supervisor: Supervisor = new Supervisor({
    clock: steady,
    emit: (name, fields) => events.push({ name, fields }),
    random: () => 0.5,
    fork,
    dispatcher: new Dispatcher({ clock: steady, maxConnections: 100, maxConnectionsPerAddress: null, maxHeld: 100, queueTimeout: 1000, onRefused: () => undefined }),
    generation: generationOf({ maxWorkers: workers, bootConcurrency }),
    isReplacing,
    onReady: () => events.push({ name: 'READY', fields: {} }),
    onStopping: () => events.push({ name: 'STOPPING', fields: {} }),
    onChange: () => undefined,
    onMessage(handle, message) {
      if (message.type === 'recycle-wanted') supervisor.recycle(handle, message.cause, 'once-a-minute');
    },
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  supervisor.start();
  await turn();
  return {
    clock,
    supervisor,
    processes,
    events,
    turn,
    async pass(ms, alive = []) {
      for (let passed = 0; passed < ms; passed += 1000) {
        clock.advance(Math.min(1000, ms - passed));
        for (const process of alive) process.says(HEARTBEAT);
        await turn();
      }
    },
    outcome: () => Promise.race([supervisor.finished, turn().then(() => 'running' as const)]),
    count: (name) => events.filter((event) => event.name === name).length,
  };
}

async function served(workers = 2): Promise<Rig & { all: FakeProcess[] }> {
  const it = await rig(workers);
  for (const process of it.processes) process.says({ type: 'ready', services: [] });
  await it.turn();
  return { ...it, all: it.processes.slice(0, workers) };
}

function at(processes: readonly FakeProcess[], index: number): FakeProcess {
  const process = processes[index];
  assert.ok(process, `process ${String(index)} was forked`);
  return process;
}

test('the daemon is ready when its whole fleet is', async () => {
  const { processes, supervisor, count } = await rig(2);
  assert.equal(processes.length, 2);
  at(processes, 0).says({ type: 'ready', services: [] });
  assert.equal(supervisor.phase, 'booting');
  at(processes, 1).says({ type: 'ready', services: [] });
  assert.equal(supervisor.phase, 'serving');
  assert.equal(count('READY'), 1);
});

test('no more workers boot at the same time than allowed', async () => {
  const { processes, turn } = await rig(3, 1);
  assert.equal(processes.length, 1);
  at(processes, 0).says({ type: 'ready', services: [] });
  await turn();
  assert.equal(processes.length, 2);
});

test('a worker that crashes is replaced at once, in its slot', async () => {
  const { all, processes, turn, supervisor, count } = await served();
  at(all, 1).exits(null, 'SIGKILL');
  await turn();
  assert.equal(processes.length, 3);
  assert.deepEqual(supervisor.workers.map(({ slot, state }) => [slot, state]), [[0, 'ready'], [1, 'starting']]);
  assert.equal(supervisor.slots.restarts(1), 1);
  assert.equal(count('worker.gone'), 1);
});

test('a slot that keeps crashing waits longer and longer, and never gives up while another serves', async () => {
  const { all, processes, pass, turn, supervisor } = await served();
  const survivor = at(all, 0);
  at(all, 1).exits(1);
  for (let crash = 2; crash <= 12; crash++) {
    await turn();
    at(processes, crash).exits(1);
    await pass(31_000, [survivor]);
  }
  assert.equal(processes.length, 14);
  assert.equal(supervisor.phase, 'serving');
  assert.equal(supervisor.slots.crashes(1), 12);
});

test('a permanent failure at the first start ends the daemon at once with its error', async () => {
  const { processes, outcome } = await rig(2);
  const error = { code: 'E_SERVICER', message: 'a.js exports no grpcHook', hint: 'Export it.' } as const;
  at(processes, 0).says({ type: 'failed', error, permanent: true });
  assert.deepEqual(at(processes, 1).signals, ['SIGKILL']);
  at(processes, 0).exits(78);
  at(processes, 1).exits(null, 'SIGKILL');
  const result = await outcome();
  assert.ok(result !== 'running');
  assert.equal(result.error?.message, 'a.js exports no grpcHook');
  assert.equal(result.exitCode, 78);
});

test('a first start that fails in other ways is tried for two start timeouts, and ends with the first error', async () => {
  const { processes, pass, outcome } = await rig(1);
  at(processes, 0).says({ type: 'failed', error: { code: 'E_SERVICER_HOOK', message: 'no database', hint: '' }, permanent: false });
  at(processes, 0).exits(1);
  for (let next = 1; next < 12 && (await outcome()) === 'running'; next++) {
    await pass(20_000);
    if (next < processes.length) at(processes, next).exits(1);
    await pass(1);
  }
  const result = await outcome();
  assert.ok(result !== 'running');
  assert.equal(result.error?.message, 'no database');
  assert.equal(result.exitCode, 70);
  assert.ok(processes.length > 3);
});

test('beside a daemon that serves, a first start ends when a worker has failed twice', async () => {
  let isReplacing = true;
  const { processes, turn, outcome } = await rig(2, 8, () => isReplacing);
  const fail = async (index: number): Promise<void> => {
    at(processes, index).says({ type: 'failed', error: { code: 'E_SERVICER_HOOK', message: `no database, ${index}`, hint: '' }, permanent: false });
    at(processes, index).exits(70);
    await turn();
  };
  await fail(0);
  await fail(1);
  // Each of the two has had its first try; nobody else serves any more, so this one goes on trying.
  isReplacing = false;
  await fail(2);
  assert.equal(await outcome(), 'running');
  isReplacing = true;
  await fail(3);
  for (const process of processes) process.exits(0);
  await turn();
  const ended = await outcome();
  assert.ok(ended !== 'running');
  assert.equal(ended.error?.message, 'no database, 0');
});

test('a worker that is never ready is killed after startTimeout, and tried again', async () => {
  const { processes, pass } = await rig(1);
  await pass(30_000);
  assert.deepEqual(at(processes, 0).signals, ['SIGKILL']);
  assert.equal(processes.length, 2, 'its slot is tried again while the kill is under way');
});

test('a silent worker gets no new connections after 15 s, is replaced, and killed after 20 s', async () => {
  const { all, processes, pass, supervisor, events } = await served();
  const [silent, other] = [at(all, 0), at(all, 1)];
  const states = (): string[] => supervisor.workers.map(({ state }) => state);
  await pass(14_000, [other]);
  assert.deepEqual(states(), ['ready', 'ready']);
  await pass(1000, [other]);
  assert.deepEqual(states(), ['draining', 'starting', 'ready']);
  assert.equal(processes.length, 3);
  assert.deepEqual(silent.signals, []);
  await pass(5000, [other, at(processes, 2)]);
  assert.deepEqual(silent.signals, ['SIGKILL']);
  assert.ok(events.some(({ name, fields }) => name === 'worker.silent' && fields.slot === 0));
});

test('a silent worker that comes to itself drains instead of being killed', async () => {
  const { all, processes, pass } = await served();
  const [silent, other] = [at(all, 0), at(all, 1)];
  await pass(16_000, [other]);
  await pass(10_000, [silent, other, at(processes, 2)]);
  assert.deepEqual(silent.signals, []);
  assert.equal(silent.drains().length, 1);
});

test('a primary that was suspended kills nobody', async () => {
  const { all, clock, turn, pass, supervisor } = await served();
  clock.suspend(3_600_000);
  await turn();
  await pass(10_000, all);
  for (const process of all) assert.deepEqual(process.signals, []);
  assert.ok(supervisor.workers.every(({ state }) => state === 'ready'));
});

test('a stop drains all, and is over when the last exit is seen', async () => {
  const { all, supervisor, outcome, events } = await served();
  supervisor.stop('SIGTERM', false);
  for (const process of all) assert.deepEqual(process.drains().map(({ quick }) => quick), [null]);
  at(all, 0).says({ type: 'drained', finished: 3, cut: [{ method: '/a.B/C', peer: '127.0.0.1:5', ageMs: 9 }] });
  at(all, 0).exits(0);
  assert.equal(await outcome(), 'running');
  at(all, 1).exits(0);
  assert.deepEqual(await outcome(), { exitCode: 0, error: null, cut: 1 });
  assert.ok(events.findIndex(({ name }) => name === 'STOPPING') < events.findIndex(({ name }) => name === 'worker.draining'));
});

test('a quick stop speeds up a graceful one, and kills what does not leave', async () => {
  const { all, supervisor, pass } = await served();
  supervisor.stop('SIGTERM', false);
  supervisor.stop('SIGTERM', true);
  for (const process of all) assert.deepEqual(process.drains().map(({ quick }) => quick), [null, 2000]);
  await pass(3000);
  for (const process of all) assert.deepEqual(process.signals, ['SIGKILL']);
});

test('a worker that is asked to drain and does not is killed when all timeouts are over', async () => {
  const { all, supervisor, pass } = await served();
  supervisor.stop('SIGTERM', false);
  await pass(37_000, all);
  assert.deepEqual(at(all, 0).signals, []);
  await pass(1000, all);
  assert.deepEqual(at(all, 0).signals, ['SIGKILL']);
});

test('a stop while workers boot kills them, and those that were not forked yet never are', async () => {
  const { processes, supervisor, outcome } = await rig(3, 1);
  supervisor.stop('SIGTERM', false);
  assert.deepEqual(at(processes, 0).signals, ['SIGKILL']);
  at(processes, 0).exits(null, 'SIGKILL');
  assert.deepEqual(await outcome(), { exitCode: 0, error: null, cut: 0 });
  assert.equal(processes.length, 1);
});

test('a worker with damaged state is replaced before it leaves, at most once a minute', async () => {
  const { all, processes, turn, pass, supervisor } = await served();
  const damaged = at(all, 0);
  damaged.says({ type: 'recycle-wanted', cause: 'uncaughtException' });
  await turn();
  assert.equal(processes.length, 3);
  assert.equal(damaged.drains().length, 0, 'it serves until the other one is ready');
  const replacement = at(processes, 2);
  replacement.says({ type: 'ready', services: [] });
  await pass(PROBATION, [damaged]);
  assert.equal(damaged.drains().length, 1);
  damaged.exits(0);
  replacement.says({ type: 'recycle-wanted', cause: 'uncaughtException' });
  await turn();
  assert.equal(processes.length, 3, 'too soon');
  await pass(60_000, [at(all, 1), replacement]);
  replacement.says({ type: 'recycle-wanted', cause: 'uncaughtException' });
  await turn();
  assert.equal(processes.length, 4);
  assert.equal(supervisor.slots.crashes(0), 0, 'recycling is no crash');
});

test('a timer that rings a moment too early puts nothing off until somebody speaks', async () => {
  for (const early of [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.99]) {
    const { all, processes, turn, clock } = await served(1);
    const damaged = at(all, 0);
    damaged.says({ type: 'recycle-wanted', cause: 'uncaughtException' });
    await turn();
    at(processes, 1).says({ type: 'ready', services: [] });
    clock.perReading = 0.02;
    clock.early(PROBATION, early);
    clock.advance(2);
    assert.equal(damaged.drains().length, 1, `rung ${early} ms early`);
  }
});

test('a worker that got SIGTERM from somebody else is drained in order and replaced', async () => {
  const { all, processes, turn } = await served();
  at(all, 1).says({ type: 'drain-wanted', cause: 'SIGTERM' });
  await turn();
  assert.equal(at(all, 1).drains().length, 1);
  assert.equal(processes.length, 3);
});
