import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ailmentOf, statusLine, type ServiceView } from '#src/primary/systemd/status-line.js';

const SERVING: ServiceView = { phase: 'serving', workers: 4, ready: 4, goal: 4, generation: 7, stage: null, last: null };

for (const [change, line] of [
  [{ phase: 'booting', ready: 1 }, 'Starting: 1 of 4 workers ready'],
  [{}, 'Serving: 4 of 4 workers ready, generation 7'],
  [{ stage: 'canary', last: { verdict: 'done', error: '' } }, 'Serving: 4 of 4 workers ready, generation 7, reload: canary'],
  [{ last: { verdict: 'done', error: '' } }, 'Serving: 4 of 4 workers ready, generation 7, last reload done'],
  [{ last: { verdict: 'refused', error: 'bad key' } }, 'Serving: 4 of 4 workers ready, generation 7, last reload refused: bad key'],
  [{ phase: 'stopping', workers: 2 }, 'Stopping: 2 workers finish their calls'],
  [{ phase: 'stopping', workers: 1 }, 'Stopping: 1 worker finishes its calls'],
] satisfies [Partial<ServiceView>, string][]) {
  test(line, () => assert.equal(statusLine({ ...SERVING, ...change }), line));
}

test('a service is not well when none of its workers is ready, but not while it starts or stops', () => {
  assert.equal(ailmentOf({ phase: 'serving', ready: 0 }), 'no worker is ready');
  assert.equal(ailmentOf({ phase: 'serving', ready: 1 }), null);
  for (const phase of ['booting', 'stopping'] as const) assert.equal(ailmentOf({ phase, ready: 0 }), null);
});
