// Looking into workers on a fake clock: who may be silent, who gets connections, who is told what.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { InspectOrder, InspectResult } from '#src/control/definition.js';
import type { FromWorker, ToWorker } from '#src/ipc/messages.js';
import { Dispatcher } from '#src/primary/dispatcher.js';
import { ConnectionDoor } from '#src/primary/worker-door.js';
import { Inspections } from '#src/primary/inspections.js';
import { Supervisor } from '#src/primary/supervisor.js';
import type { WorkerHandle } from '#src/primary/worker-handle.js';
import { DaemonError } from '#src/shared/errors.js';
import { FakeClock } from '../../support/fake-clock.js';
import { fakeFork, type FakeProcess } from '../../support/fake-fork.js';
import { generationOf } from '../../support/generation.js';

const URL = 'ws://127.0.0.1:9/x';
/** More than any hangTimeout. */
const LONG = 60_000;

type Outcome = InspectResult | DaemonError | 'pending';

class Rig {
  readonly clock = new FakeClock();
  readonly processes: FakeProcess[];
  readonly supervisor: Supervisor;
  readonly dispatcher: Dispatcher;
  readonly inspections: Inspections;

  constructor(workers: number) {
    const { clock } = this;
    const { fork, processes } = fakeFork();
    this.processes = processes;
    this.dispatcher = new Dispatcher({ clock, maxConnections: 100, maxConnectionsPerAddress: null, maxHeld: 100, queueTimeout: LONG * 100, onRefused: () => undefined });
    this.supervisor = new Supervisor({
      clock, fork, emit: () => undefined, random: () => 0.5, dispatcher: this.dispatcher, generation: generationOf({ maxWorkers: workers, bootConcurrency: 8 }),
      onReady: () => undefined,
      onStopping: () => undefined,
      onChange: () => this.inspections.noteChange(),
      onMessage: (handle, message) => {
        if (message.type === 'inspected') this.inspections.answered(handle, message);
      },
    });
    this.inspections = new Inspections({ clock, door: new ConnectionDoor(this.dispatcher), workers: () => this.supervisor.workers });
  }

  static async serving(workers = 2): Promise<Rig> {
    const rig = new Rig(workers);
    rig.supervisor.start();
    await rig.turn();
    for (const process of rig.processes) process.says({ type: 'ready', services: [] });
    await rig.turn();
    return rig;
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Gives an order; the function returned tells what came of it. */
  order(slot: number, order: Partial<InspectOrder> = {}): () => Promise<Outcome> {
    let outcome: Outcome = 'pending';
    this.inspections.run({ slot, heapSnapshot: '', withdraw: false, close: false, ...order }).then(
      (result) => (outcome = result),
      (error: unknown) => (outcome = DaemonError.from(error)),
    );
    return () => this.turn().then(() => outcome);
  }

  process(index: number): FakeProcess {
    return this.processes[index] ?? assert.fail(`no process ${index}`);
  }

  worker(slot: number): WorkerHandle {
    return this.supervisor.workers.find((worker) => worker.slot === slot) ?? assert.fail(`no worker ${slot}`);
  }

  /** The worker answers the last order to inspect that it got. */
  answers(index: number, answer: Partial<Extract<FromWorker, { type: 'inspected' }>>): void {
    const orders = this.process(index).sent.filter((message): message is Extract<ToWorker, { type: 'inspect' }> => message.type === 'inspect');
    this.process(index).says({ type: 'inspected', id: orders.at(-1)?.id ?? assert.fail('no order'), result: '', error: null, ...answer });
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.turn();
  }

  state(index: number): string {
    const { pid } = this.process(index).process;
    return this.supervisor.workers.find((worker) => worker.pid === pid)?.state ?? 'gone';
  }

  /** The slots that the next connections go to. */
  slotsOf(connections: number): (number | undefined)[] {
    const slots: (number | undefined)[] = [];
    for (let connection = 0; connection < connections; connection += 1) {
      const before = this.processes.map(({ sent }) => sent.length);
      // The dispatcher only hands it on.
      this.dispatcher.dispatch(new PassThrough() as unknown as Socket);
      slots.push(this.supervisor.workers.find(({ pid }) => this.processes.some((process, index) => process.process.pid === pid && process.sent.length > (before[index] ?? 0)))?.slot);
    }
    return slots;
  }
}

function isError(outcome: Outcome, code: string, says: RegExp): void {
  assert.ok(outcome instanceof DaemonError, JSON.stringify(outcome));
  assert.equal(outcome.code, code);
  assert.match(`${outcome.message}\n${outcome.hint}`, says);
}

test('a worker whose inspector is open may be silent for as long as a person thinks; closed, silence counts again', async () => {
  const rig = await Rig.serving();
  const opened = rig.order(0);
  rig.answers(0, { result: URL });
  assert.deepEqual(await opened(), { pid: 1000, result: URL });
  await rig.pass(LONG * 60);
  assert.deepEqual([rig.state(0), rig.state(1)], ['ready', 'draining'], 'the other one was nobody\'s to look at');

  const closed = rig.order(0, { close: true });
  rig.answers(0, {});
  assert.deepEqual(await closed(), { pid: 1000, result: '' });
  await rig.pass(14_000);
  assert.equal(rig.state(0), 'ready');
  await rig.pass(LONG);
  assert.equal(rig.state(0), 'draining');
});

test('a worker that does not answer the order to close its inspector is taken for hung in the end', async () => {
  const rig = await Rig.serving();
  const opened = rig.order(0);
  rig.answers(0, { result: URL });
  await opened();
  await rig.pass(LONG);
  const closed = rig.order(0, { close: true });
  await rig.pass(4000);
  isError(await closed(), 'E_WORKER', /did not answer within 4 s\nA debugger may hold it/);
  assert.equal(rig.state(0), 'ready');
  await rig.pass(15_000);
  assert.equal(rig.state(0), 'draining');
  await rig.pass(20_000);
  assert.equal(rig.process(0).signals[0], 'SIGKILL');
});

test('a late answer to the order to close still counts', async () => {
  const rig = await Rig.serving();
  const opened = rig.order(0, { withdraw: true });
  rig.answers(0, { result: URL });
  await opened();
  rig.order(0, { close: true });
  await rig.pass(5000);
  assert.equal(rig.worker(0).inspection?.type, 'inspector');
  rig.answers(0, {});
  assert.equal(rig.worker(0).inspection, null);
  assert.ok(rig.dispatcher.isAdmitted(rig.worker(0).id));
});

test('a worker that writes its heap is not killed for its silence, within bounds', async () => {
  const rig = await Rig.serving();
  const written = rig.order(0, { heapSnapshot: '/tmp/x' });
  await rig.pass(LONG);
  assert.equal(rig.state(0), 'ready');
  isError(await rig.order(0)(), 'E_WORKER', /has not answered an earlier order yet/);
  rig.answers(0, { result: '/tmp/x' });
  assert.deepEqual(await written(), { pid: 1000, result: '/tmp/x' });
  assert.equal(rig.worker(0).inspection, null);

  const endless = rig.order(0, { heapSnapshot: '/tmp/y' });
  await rig.pass(300_000);
  isError(await endless(), 'E_WORKER', /did not answer within 300 s/);
  await rig.pass(LONG);
  assert.equal(rig.state(0), 'draining');
});

test('a snapshot leaves an open inspector open', async () => {
  const rig = await Rig.serving();
  const opened = rig.order(0, { withdraw: true });
  rig.answers(0, { result: URL });
  await opened();
  const written = rig.order(0, { heapSnapshot: '/tmp/x' });
  rig.answers(0, { result: '/tmp/x' });
  await written();
  assert.equal(rig.worker(0).inspection?.type, 'inspector');
  assert.equal(rig.dispatcher.isAdmitted(rig.worker(0).id), false);
});

test('a worker that dies while it is asked, of too large a heap perhaps, is told of at once', async () => {
  const rig = await Rig.serving();
  const written = rig.order(0, { heapSnapshot: '/tmp/x' });
  rig.process(0).exits(null, 'SIGABRT');
  isError(await written(), 'E_WORKER', /Worker 0 ended before it could answer/);
});

test('an error of the worker is the error of the order', async () => {
  const rig = await Rig.serving();
  const written = rig.order(0, { heapSnapshot: '/tmp/x', withdraw: true });
  rig.answers(0, { error: { code: 'E_FILE_EXISTS', message: '/tmp/x exists already', hint: 'Name another.' } });
  isError(await written(), 'E_FILE_EXISTS', /exists already\nName another/);
  assert.deepEqual(rig.slotsOf(2).sort(), [0, 1]);
});

test('a withdrawn worker is ready, gets no connections, and gets its share again afterwards', async () => {
  const rig = await Rig.serving();
  const opened = rig.order(0, { withdraw: true });
  rig.answers(0, { result: URL });
  await opened();
  assert.equal(rig.state(0), 'ready');
  assert.deepEqual(rig.slotsOf(3), [1, 1, 1]);
  assert.equal(rig.processes.length, 2, 'nobody replaces it');

  const closed = rig.order(0, { close: true });
  rig.answers(0, {});
  await closed();
  assert.deepEqual(rig.slotsOf(3), [0, 0, 0], 'it had the fewest');
});

test('a withdrawn worker that has to leave meanwhile does not come back', async () => {
  const rig = await Rig.serving();
  const written = rig.order(0, { heapSnapshot: '/tmp/x', withdraw: true });
  rig.process(0).says({ type: 'drain-wanted', cause: 'SIGTERM' });
  rig.answers(0, { result: '/tmp/x' });
  await written();
  assert.equal(rig.state(0), 'draining');
  assert.deepEqual(rig.slotsOf(2), [1, 1]);
});

test('the last worker that takes connections is not withdrawn', async () => {
  const rig = await Rig.serving(1);
  isError(await rig.order(0, { withdraw: true })(), 'E_WORKER', /the only one that takes calls/);
  assert.deepEqual(rig.process(0).sent.map(({ type }) => type), []);
  assert.deepEqual(rig.slotsOf(1), [0]);
});

test('a slot without a worker is refused with those that have one', async () => {
  const rig = await Rig.serving();
  isError(await rig.order(5)(), 'E_USAGE', /no worker in slot 5\nSlots with a worker: 0, 1\./);
});
