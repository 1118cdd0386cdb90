import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_CALLS } from '#src/ipc/call-figures.js';
import { LATENCY_BUCKETS } from '#src/shared/latency-buckets.js';
import { CallTally } from '#src/worker/calls/call-tally.js';

const ZEROS = { codes: new Array(17).fill(0), buckets: new Array(LATENCY_BUCKETS.length + 1).fill(0) };

test('a method has its row before its first call, and is told once while nothing happens', () => {
  const tally = new CallTally();
  tally.add('/a.B/C', 'unary');
  assert.deepEqual(tally.take().methods, [{ service: 'a.B', method: 'C', kind: 'unary', started: 0, received: 0, sent: 0, seconds: 0, ...ZEROS }]);
  assert.deepEqual(tally.take(), NO_CALLS);
});

test('what was taken is not taken again, and calls in progress end in a later one', () => {
  const tally = new CallTally();
  const figures = tally.add('/a.B/C', 'bidi_stream');
  figures.started += 2;
  figures.end(0, 3);
  figures.received += 5;
  const [first] = tally.take().methods;
  assert.deepEqual([first?.started, first?.received, first?.sent, first?.codes[0], first?.seconds], [2, 5, 0, 1, 0.003]);
  figures.end(1, 40_000);
  figures.sent += 1;
  const [second] = tally.take().methods;
  assert.deepEqual([second?.started, second?.received, second?.sent, second?.codes[0], second?.codes[1], second?.seconds], [0, 0, 1, 0, 1, 40]);
});

test('a call belongs into the first bucket whose end it does not pass, and into the last when it passes all', () => {
  const tally = new CallTally();
  const figures = tally.add('/a.B/C', 'unary');
  for (const ms of [0, 1, 1.001, 30_000, 30_001]) figures.end(0, ms);
  const buckets = tally.take().methods[0]?.buckets ?? [];
  assert.deepEqual(buckets.flatMap((count, index) => (count === 0 ? [] : [[LATENCY_BUCKETS[index] ?? 'above', count]])), [[0.001, 2], [0.0025, 1], [30, 1], ['above', 1]]);
});

test('all methods that are not there are one row', () => {
  const tally = new CallTally();
  tally.noteUnknown();
  tally.noteUnknown();
  const { methods } = tally.take();
  assert.deepEqual(methods.map(({ service, method, kind, started, codes }) => [service, method, kind, started, codes[12]]), [['unknown', 'unknown', 'unknown', 2, 2]]);
});

test('refusals are counted by their reason', () => {
  const tally = new CallTally();
  tally.noteRejected('limit');
  tally.noteRejected('limit');
  tally.noteRejected('signature');
  assert.deepEqual(tally.take().rejected, { limit: 2, signature: 1 });
  assert.deepEqual(tally.take().rejected, { limit: 0, signature: 0 });
});
