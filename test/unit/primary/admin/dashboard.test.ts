import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HISTORY_MS } from '#src/control/dashboard-feed.js';
import type { MethodCalls } from '#src/ipc/call-figures.js';
import type { Load } from '#src/ipc/messages.js';
import { CallBook } from '#src/primary/admin/call-book.js';
import { Marks } from '#src/primary/admin/dashboard/marks.js';
import { MethodWindow } from '#src/primary/admin/dashboard/method-window.js';
import { quantileMs } from '#src/primary/admin/dashboard/quantile.js';
import { Recorder } from '#src/primary/admin/dashboard/recorder.js';
import { Round } from '#src/primary/admin/dashboard/round.js';
import type { Emit } from '#src/shared/events.js';
import { LATENCY_BUCKETS } from '#src/shared/latency-buckets.js';
import { FakeClock } from '../../../support/fake-clock.js';

const MINUTE = 60_000;
const OK = 0;
const NOT_FOUND = 5;

/** So many calls of one method that ended with that code, in the bucket of that index. */
function calls(count: number, { code = OK, bucket = 3, method = 'Get' } = {}): MethodCalls {
  const codes = new Array<number>(17).fill(0);
  const buckets = new Array<number>(LATENCY_BUCKETS.length + 1).fill(0);
  codes[code] = count;
  buckets[bucket] = count;
  return { service: 'pkg.Svc', method, kind: 'unary', started: count, received: count, sent: count, codes, buckets, seconds: 0 };
}

const told = (...methods: MethodCalls[]): { methods: MethodCalls[]; rejected: { limit: number; signature: number } } => ({ methods, rejected: { limit: 0, signature: 0 } });

// quantileMs

test('a quantile lies in its bucket as far as its rank does among the calls there', () => {
  const buckets = calls(10, { bucket: 3 }).buckets;
  // The bucket reaches from 5 to 10 ms.
  assert.equal(quantileMs(buckets, 0.5), 7.5);
  assert.equal(quantileMs(buckets, 1), 10);
});

test('a quantile goes by all buckets: the slow ones begin where the fast ones end', () => {
  const buckets = calls(90, { bucket: 0 }).buckets.map((count, index) => (index === 6 ? 10 : count));
  assert.equal(quantileMs(buckets, 0.9), 1);
  // Nine of ten in the bucket from 50 to 100 ms.
  assert.equal(Math.round(quantileMs(buckets, 0.99) ?? 0), 95);
});

test('calls that took longer than the last bucket are said to have taken as long as it; without calls there is no quantile', () => {
  assert.equal(quantileMs(calls(1, { bucket: LATENCY_BUCKETS.length }).buckets, 0.5), 30_000);
  assert.equal(quantileMs(calls(0).buckets, 0.5), null);
});

// Round

test('a round is over when each worker that serves has told, and not sooner than a second after it began', () => {
  const round = new Round(0);
  round.noteTold(1);
  assert.equal(round.isOver(() => [1, 2], 1500), false);
  round.noteTold(2);
  assert.equal(round.isOver(() => [1, 2], 1500), true);
  assert.equal(round.isOver(() => [1, 2], 999), false);
});

test('a worker that tells for the second time ends the round before: what it says belongs to the next', () => {
  const round = new Round(0);
  round.noteTold(1);
  assert.equal(round.isOverBefore(2, 2000), false);
  assert.equal(round.isOverBefore(1, 2000), true);
  assert.equal(round.isOverBefore(1, 500), false);
});

test('a round that a silent worker holds up is over after five seconds', () => {
  const round = new Round(0);
  round.noteTold(1);
  assert.equal(round.isOver(() => [1, 2], 5000), false);
  assert.equal(round.isOver(() => [1, 2], 5001), true);
});

test('what is taken of a round is its length and its calls; the next begins empty, then', () => {
  const round = new Round(1000);
  round.add([calls(2), calls(3, { code: NOT_FOUND, bucket: 0 })]);
  round.noteTold(1);
  const { seconds, codes, buckets } = round.take(3000);
  assert.deepEqual([seconds, codes[OK], codes[NOT_FOUND], buckets[3], buckets[0]], [2, 2, 3, 2, 3]);
  assert.equal(round.isOverBefore(1, 9000), false);
  const next = round.take(4500);
  assert.equal(next.seconds, 1.5);
  assert.ok([...next.codes, ...next.buckets].every((count) => count === 0));
  // What was taken stays what it was.
  round.add([calls(7)]);
  assert.deepEqual([codes[OK], next.codes[OK]], [2, 0]);
});

// MethodWindow

test('the methods are what has been called in the last quarter of an hour, and a moment of three minutes longer at the most', () => {
  const book = new CallBook();
  book.add(told(calls(5)));
  const start = 1_700_000_000_000;
  const window = new MethodWindow(start, book.snapshot());
  assert.equal(window.rows(book.snapshot()).active, 0);
  book.add(told(calls(2, { code: NOT_FOUND })));
  const [row] = window.rows(book.snapshot()).failing;
  assert.deepEqual([row?.name, row?.calls, row?.failed, row?.errors], ['pkg.Svc/Get', 2, 2, { NotFound: 2 }]);
  for (let passed = 0; passed <= HISTORY_MS + 2 * MINUTE; passed += MINUTE) window.note(start + passed, () => book.snapshot());
  assert.equal(window.rows(book.snapshot()).active, 1, 'not yet a quarter of an hour after the moment that knows them');
  for (let passed = HISTORY_MS + 3 * MINUTE; passed <= HISTORY_MS + 4 * MINUTE; passed += MINUTE) window.note(start + passed, () => book.snapshot());
  const rows = window.rows(book.snapshot());
  assert.equal(rows.active, 0);
  assert.equal(rows.since, start + 3 * MINUTE);
});

test('ten methods are listed, the slowest by p99, the failing by the number of failures', () => {
  const window = new MethodWindow(0, new Map());
  const book = new CallBook();
  for (let index = 0; index < 14; index += 1) book.add(told(calls(index + 1, { method: `M${index}`, code: index % 2 === 0 ? OK : NOT_FOUND, bucket: 13 - index })));
  const { active, slowest, failing } = window.rows(book.snapshot());
  assert.equal(active, 14);
  assert.deepEqual(slowest.map(({ name }) => name), Array.from({ length: 10 }, (_, index) => `pkg.Svc/M${index}`));
  assert.deepEqual(failing.map(({ name }) => name), [13, 11, 9, 7, 5, 3, 1].map((index) => `pkg.Svc/M${index}`));
});

// Marks

function marks(): { clock: FakeClock; emit: Emit; marks: Marks; passed: string[] } {
  const clock = new FakeClock();
  const passed: string[] = [];
  const noted = new Marks(clock);
  return { clock, marks: noted, passed, emit: noted.noting((name) => passed.push(name)) };
}

/** Said of every worker. */
const worker = { slot: 0, worker: 7, generation: 1 };
const crash = { slot: 1, worker: 7, generation: 1, cause: 'crash', exitCode: null, signal: 'SIGKILL', uptimeMs: 5 } as const;

test('a crash is a mark with what ended it, and a worker that was asked to go is none; every event passes on', () => {
  const { clock, emit, marks: noted, passed } = marks();
  emit('worker.gone', crash);
  emit('worker.gone', { ...crash, cause: 'reload', exitCode: 0, signal: null });
  assert.deepEqual(passed, ['worker.gone', 'worker.gone']);
  assert.deepEqual(noted.after(0), [{ kind: 'crash', severity: 'error', title: 'Worker 1 (pid 7) crashed', detail: 'SIGKILL', at: clock.now(), seq: 1 }]);
});

test('a worker that is replaced is a mark, one that drains for an order is none, and a fault is a crash', () => {
  const { emit, marks: noted } = marks();
  for (const cause of ['reload', 'scale', 'stop', 'maxWorkerAge', 'uncaughtException']) emit('worker.draining', { cause, ...worker });
  assert.deepEqual(noted.after(0).map(({ kind, detail }) => [kind, detail]), [['recycle', 'maxWorkerAge'], ['crash', 'uncaughtException']]);
});

test('a reload is two marks, and its verdict says how bad it was', () => {
  const { emit, marks: noted } = marks();
  emit('reload.started', { cause: 'SIGHUP', generation: 2 });
  const report = { generation: 2, cause: 'SIGHUP', ms: 1500, error: null, hint: null, finished: 0, cut: 0 };
  emit('reload.ended', { ...report, verdict: 'done' });
  emit('reload.ended', { ...report, verdict: 'done', cut: 3 });
  emit('reload.ended', { ...report, verdict: 'rolled-back', error: 'a.js:3 throws' });
  assert.deepEqual(noted.after(0).map(({ severity, detail }) => [severity, detail]), [
    ['info', 'SIGHUP'], ['info', 'generation 2 after 1.5 s'], ['info', 'generation 2 after 1.5 s, 3 calls cut'], ['error', 'a.js:3 throws'],
  ]);
});

test('marks are told to each reader once, those of the last quarter of an hour, and two hundred at the most', () => {
  const { clock, emit, marks: noted } = marks();
  emit('worker.gone', crash);
  clock.advance(HISTORY_MS + 1);
  emit('worker.gone', crash);
  assert.deepEqual(noted.after(0).map(({ seq }) => seq), [2]);
  assert.deepEqual(noted.after(2), []);
  for (let index = 0; index < 250; index += 1) emit('worker.gone', crash);
  assert.deepEqual([noted.after(0).length, noted.after(0)[0]?.seq, noted.after(251).length], [200, 53, 1]);
});

// Recorder

interface Recording {
  readonly clock: FakeClock;
  readonly recorder: Recorder;
  readonly serving: Set<number>;
  readonly beat: (worker: number, ...methods: MethodCalls[]) => void;
}

const LOAD: Load = {
  connections: 4, inFlight: 2, calls: 0, eventLoopDelay: 3, eventLoopUtilization: 0, rss: 50, heapUsed: 1, p99: 0, oldestCall: null, cpu: 0,
  served: { inFlight: 0, ended: 0, failed: 0 },
};

function recording(): Recording {
  const clock = new FakeClock();
  const book = new CallBook();
  const serving = new Set([1, 2]);
  const workers = [{ state: 'ready', load: LOAD }, { state: 'ready', load: { ...LOAD, eventLoopDelay: 9, rss: 70 } }, { state: 'starting', load: null }] as const;
  const recorder = new Recorder({ clock, book: () => book.snapshot(), fleet: () => ({ workers, connections: 11 }), serving: () => [...serving] });
  const beat = (worker: number, ...methods: MethodCalls[]): void => {
    book.add(told(...methods));
    recorder.told(worker, told(...methods), true);
  };
  return { clock, recorder, serving, beat };
}

test('a round of heartbeats is one sample: the calls of all workers, and the fleet as it is', () => {
  const { clock, recorder, beat } = recording();
  clock.advance(2000);
  beat(1, calls(3));
  assert.deepEqual(recorder.samplesAfter(0), []);
  beat(2, calls(1, { code: NOT_FOUND }));
  const [{ primaryBytes, p99Ms, ...sample } = { primaryBytes: 0, p99Ms: 0 }, ...others] = recorder.samplesAfter(0);
  assert.deepEqual(others, []);
  assert.ok(primaryBytes > 1e6);
  assert.equal(p99Ms?.toFixed(2), '9.95');
  assert.deepEqual(sample, {
    seq: 1, at: clock.now(), seconds: 2, calls: 4, errors: { NotFound: 1 }, p50Ms: 7.5,
    inFlight: 4, connections: 11, ready: 2, delayMs: 9, medianDelayMs: 3, workersBytes: 120, largestBytes: 70,
  });
  assert.deepEqual(recorder.samplesAfter(1), []);
});

test('calls that a worker tells because it was asked count, and make no round', () => {
  const { clock, recorder, beat } = recording();
  clock.advance(2000);
  beat(1);
  recorder.told(2, told(calls(6)), false);
  assert.deepEqual(recorder.samplesAfter(0), []);
  beat(2);
  assert.deepEqual(recorder.samplesAfter(0).map(({ calls: count }) => count), [6]);
});

test('a steady rate shows as one although beats drift: what a worker tells for the second time is of the next round', () => {
  const { clock, recorder, serving, beat } = recording();
  serving.add(3);
  clock.advance(2000);
  for (const worker of [1, 2, 1, 2]) {
    beat(worker, calls(10));
    if (worker === 2) clock.advance(2000);
  }
  assert.deepEqual(recorder.samplesAfter(0).map(({ calls: count }) => count), [20]);
});

test('of a fleet that beats for an hour the last fifteen minutes are there', () => {
  const { clock, recorder, beat } = recording();
  for (let round = 0; round < 1800; round += 1) {
    clock.advance(2000);
    beat(1, calls(1));
    beat(2);
  }
  const samples = recorder.samplesAfter(0);
  assert.ok(Math.abs(samples.length - HISTORY_MS / 2000) <= 1, `${samples.length}`);
  assert.ok(clock.now() - (samples[0]?.at ?? 0) <= HISTORY_MS);
  const [row] = recorder.methods.slowest;
  assert.ok(row !== undefined && row.calls >= 450 && row.calls <= 540, JSON.stringify(row));
});
