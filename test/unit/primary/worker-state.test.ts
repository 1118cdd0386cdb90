import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIFE, WORKER_EVENTS, WORKER_STATES, type Cell, type WorkerAction, type WorkerEvent, type WorkerState } from '#src/primary/worker-state.js';

interface Walked {
  readonly state: WorkerState;
  readonly event: WorkerEvent;
  readonly cell: Cell;
}

const cells: Walked[] = WORKER_STATES.flatMap((state) => WORKER_EVENTS.map((event) => ({ state, event, cell: LIFE[state][event] })));

/** Every sequence of that many events from the start, with the actions it causes. */
function* lives(length: number, state: WorkerState = 'starting', actions: WorkerAction[] = []): Generator<{ state: WorkerState; actions: WorkerAction[] }> {
  yield { state, actions };
  if (length === 0) return;
  for (const event of WORKER_EVENTS) {
    const cell = LIFE[state][event];
    yield* lives(length - 1, cell.next, [...actions, ...cell.actions]);
  }
}

test('every state answers every event', () => {
  assert.equal(cells.length, 20);
  for (const { cell } of cells) assert.ok(WORKER_STATES.includes(cell.next));
});

test('only an exit leads to gone, and nothing leads out of it', () => {
  for (const { state, event, cell } of cells) {
    if (state === 'gone') assert.deepEqual(cell, { next: 'gone', actions: [] });
    else assert.equal(cell.next === 'gone', event === 'exit', `${state} ${event}`);
  }
});

test('a worker that was told to go cannot be revived by a late ready', () => {
  assert.equal(LIFE.draining.ready.next, 'draining');
  assert.deepEqual(LIFE.draining.ready.actions, []);
});

test('admit and withdraw pair, whatever happens', () => {
  for (const { state, actions } of lives(6)) {
    const admitted = actions.filter((action) => action === 'admit').length;
    const withdrawn = actions.filter((action) => action === 'withdraw').length;
    assert.ok(admitted <= 1);
    assert.equal(admitted - withdrawn, state === 'ready' ? 1 : 0);
  }
});

test('a worker is asked to drain at most once', () => {
  for (const { actions } of lives(6)) assert.ok(actions.filter((action) => action === 'send-drain').length <= 1);
});

test('a worker is charged as a crash at most once', () => {
  for (const { actions } of lives(6)) assert.ok(actions.filter((action) => action === 'crashed').length <= 1);
});

test('a deadline ends with a kill in at most two of them', () => {
  for (const state of ['starting', 'ready', 'draining'] as const) {
    const first = LIFE[state].deadline;
    const both = [...first.actions, ...LIFE[first.next].deadline.actions];
    assert.ok(both.includes('kill'), state);
  }
});
