import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_CALLS, type MethodCalls } from '#src/ipc/call-figures.js';
import type { ToWorker } from '#src/ipc/messages.js';
import { CallBook } from '#src/primary/admin/call-book.js';
import { callSamples, GO_CODES } from '#src/primary/admin/call-samples.js';
import { DRAIN_BUCKETS, History } from '#src/primary/admin/history.js';
import { histogramSamples } from '#src/primary/admin/histogram-samples.js';
import { describeReadiness } from '#src/primary/admin/readiness.js';
import { renderMetrics } from '#src/primary/admin/render-metrics.js';
import { PATIENCE, RollCall } from '#src/primary/admin/roll-call.js';
import { METRICS, type Sample, type Samples } from '#src/shared/metrics.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { Page } from '../../../support/scrape.js';

const told = (method: string, started: number, more: Partial<MethodCalls> = {}): MethodCalls => ({
  service: 'a.B', method, kind: 'unary', started, received: started, sent: started, codes: [started], buckets: [started, 0], seconds: started / 2, ...more,
});

describe('the totals of calls', () => {
  test('are the sum of all that was ever told, whoever told it', () => {
    const book = new CallBook();
    book.add({ methods: [told('C', 3), told('D', 0)], rejected: { limit: 1, signature: 0 } });
    book.add({ methods: [told('C', 4)], rejected: { limit: 2, signature: 5 } });
    book.add(NO_CALLS);
    assert.deepEqual([...book.methods], [told('C', 7), told('D', 0)]);
    assert.deepEqual(book.rejected, { limit: 3, signature: 5 });
  });

  test('keep a method apart that a reload has made another kind of', () => {
    const book = new CallBook();
    book.add({ ...NO_CALLS, methods: [told('C', 1), told('C', 2, { kind: 'server_stream' })] });
    assert.deepEqual([...book.methods].map(({ kind, started }) => [kind, started]), [['unary', 1], ['server_stream', 2]]);
  });

  test('hold what routers refused, too', () => {
    const book = new CallBook();
    book.add({ ...NO_CALLS, rejected: { limit: 2, signature: 5 } });
    const { grpcserverd_rpcs_rejected_total: rejected } = callSamples(book, 3);
    assert.deepEqual(rejected.map(({ labels, value }) => [labels.reason, value]), [['limit', 5], ['signature', 5]]);
  });

  test('have all codes of a method from the beginning, as Go spells them', () => {
    const book = new CallBook();
    book.add({ ...NO_CALLS, methods: [told('C', 0)] });
    const { grpc_server_handled_total: handled } = callSamples(book, 0);
    assert.deepEqual(handled.map(({ labels }) => labels.grpc_code), [...GO_CODES]);
    assert.equal(GO_CODES[1], 'Canceled');
  });
});

test('the buckets of a histogram hold those before them, and the last one all', () => {
  const samples = histogramSamples({ a: 'b' }, [1, 5], [2, 0, 3], 40);
  assert.deepEqual(samples.map(({ labels, part, value }) => [labels.le, part, value]), [
    [1, '_bucket', 2], [5, '_bucket', 2], ['+Inf', '_bucket', 5], [undefined, '_sum', 40], [undefined, '_count', 5],
  ]);
});

test('the page has help and type of each metric, and labels that hold anything', async () => {
  const none = Object.fromEntries(Object.keys(METRICS).map((name) => [name, []])) as unknown as Samples;
  const sample: Sample = { labels: { version: 'a "b"\\c\nd', node: '' }, value: 1 };
  const { text, contentType } = await renderMetrics({ ...none, grpcserverd_build_info: [sample], grpcserverd_drain_duration_seconds: histogramSamples({}, [1], [2, 1], 3) });
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
  assert.equal(text, `\
# HELP grpcserverd_build_info ${METRICS.grpcserverd_build_info.help}
# TYPE grpcserverd_build_info gauge
grpcserverd_build_info{version="a \\"b\\"\\\\c\\nd",node=""} 1

# HELP grpcserverd_drain_duration_seconds ${METRICS.grpcserverd_drain_duration_seconds.help}
# TYPE grpcserverd_drain_duration_seconds histogram
grpcserverd_drain_duration_seconds_bucket{le="1"} 2
grpcserverd_drain_duration_seconds_bucket{le="+Inf"} 3
grpcserverd_drain_duration_seconds_sum 3
grpcserverd_drain_duration_seconds_count 3
`);
  assert.equal(new Page(text).sum('grpcserverd_drain_duration_seconds_bucket', { le: '+Inf' }), 3);
});

describe('asking the workers', () => {
  class Worker {
    readonly asked: number[] = [];
    constructor(readonly isConnected = true) {}
    send(message: ToWorker): boolean {
      if (this.isConnected && message.type === 'tell-calls') this.asked.push(message.id);
      return this.isConnected;
    }
  }
  const settled = async (promise: Promise<ReadonlySet<Worker>>): Promise<Worker[] | 'waiting'> =>
    Promise.race([promise.then((silent) => [...silent]), new Promise<'waiting'>((resolve) => setImmediate(resolve, 'waiting'))]);

  test('is over as soon as all have answered', async () => {
    const clock = new FakeClock();
    const rollCall = new RollCall<Worker>(clock);
    const workers = [new Worker(), new Worker()] as const;
    const silent = rollCall.ask(workers);
    rollCall.answered(workers[0], null);
    rollCall.answered(workers[0], workers[0].asked[0] ?? 0);
    assert.equal(await settled(silent), 'waiting');
    rollCall.answered(workers[1], workers[1].asked[0] ?? 0);
    assert.deepEqual(await settled(silent), []);
    assert.equal(clock.pending, 0);
  });

  test('waits half a second for one that hangs, and names it', async () => {
    const clock = new FakeClock();
    const rollCall = new RollCall<Worker>(clock);
    const [good, hung, gone] = [new Worker(), new Worker(), new Worker(false)] as const;
    const silent = rollCall.ask([good, hung, gone]);
    rollCall.answered(good, good.asked[0] ?? 0);
    clock.advance(PATIENCE - 1);
    assert.equal(await settled(silent), 'waiting');
    clock.advance(1);
    assert.deepEqual(new Set(await silent), new Set([hung, gone]));
    // Its late answer is nobody's.
    rollCall.answered(hung, hung.asked[0] ?? 0);
  });

  test('of several scrapes at once each gets its own answers', async () => {
    const rollCall = new RollCall<Worker>(new FakeClock());
    const worker = new Worker();
    const [first, second] = [rollCall.ask([worker]), rollCall.ask([worker])];
    rollCall.answered(worker, worker.asked[1] ?? 0);
    assert.deepEqual(await settled(second), []);
    assert.equal(await settled(first), 'waiting');
  });

  test('without workers is over at once', async () => {
    assert.deepEqual(await settled(new RollCall<Worker>(new FakeClock()).ask([])), []);
  });
});

describe('what has happened is counted from the log', () => {
  test('a restart by what became of the worker before it', () => {
    const history = new History();
    const logged: string[] = [];
    const emit = history.noting((name) => logged.push(name));
    const label = { slot: 0, generation: 1, worker: 5 };
    emit('worker.starting', { ...label, cause: 'boot' });
    emit('worker.gone', { ...label, cause: 'crash', exitCode: 9, signal: null, uptimeMs: 1 });
    emit('worker.starting', { ...label, cause: 'crash' });
    emit('worker.silent', { ...label, ms: 9000 });
    emit('worker.starting', { ...label, cause: 'crash' });
    emit('worker.draining', { ...label, cause: 'SIGTERM' });
    emit('worker.starting', { ...label, cause: 'crash' });
    emit('worker.starting', { ...label, cause: 'maxCallsPerWorker' });
    emit('worker.starting', { ...label, cause: 'reload' });
    emit('worker.starting', { ...label, cause: 'scale' });
    emit('worker.starting', { ...label, cause: 'what nobody has thought of' });
    const counted = Object.entries(history.restarts).filter(([, count]) => count > 0);
    assert.deepEqual(Object.fromEntries(counted), { crash: 1, hang: 1, signal: 1, max_rpcs: 1, reload: 1, other: 1 });
    assert.equal(logged.length, 11, 'and all of it is still logged');
  });

  test('drains, those that were forced, and the calls that were cut', () => {
    const history = new History();
    const emit = history.noting(() => undefined);
    emit('worker.drained', { ms: 300, finished: 4, cut: 2 });
    emit('worker.drained', { ms: 900_000, finished: 4, cut: 1 });
    emit('worker.killed', { cause: 'did not leave after: reload' });
    emit('worker.killed', { cause: 'startTimeout' });
    assert.deepEqual([history.drains[1], history.drains[DRAIN_BUCKETS.length], history.drainSeconds, history.cut, history.forcedDrains], [1, 1, 900.3, 3, 1]);
  });
});

describe('readiness', () => {
  const facts = { phase: 'serving', isLeaving: false, ready: 2, wanted: 4, minReadyWorkers: 2, routers: null } as const;

  test('follows the number of ready workers, also while the others boot', () => {
    assert.deepEqual(describeReadiness(facts), { isReady: true, text: 'ready: 2 of 4 workers are ready, 2 must be' });
    assert.equal(describeReadiness({ ...facts, phase: 'booting' }).isReady, true);
    assert.deepEqual(describeReadiness({ ...facts, ready: 1 }), { isReady: false, text: 'not ready: 1 of 4 workers are ready, 2 must be' });
    assert.equal(describeReadiness({ ...facts, phase: 'booting', ready: 0 }).text, 'starting: 0 of 4 workers are ready, 2 must be');
  });

  test('wants a router too, where there are some', () => {
    assert.equal(describeReadiness({ ...facts, routers: 1 }).isReady, true);
    assert.deepEqual(describeReadiness({ ...facts, routers: 0 }), { isReady: false, text: 'not ready: 2 of 4 workers are ready, 2 must be, and no router is' });
  });

  test('asks of a fleet that was scaled down no more than it shall have', () => {
    assert.equal(describeReadiness({ ...facts, ready: 1, wanted: 1 }).isReady, true);
  });

  test('ends with the announcement of a stop', () => {
    assert.deepEqual(describeReadiness({ ...facts, isLeaving: true }), { isReady: false, text: 'stopping' });
    assert.equal(describeReadiness({ ...facts, phase: 'stopping', wanted: 0 }).isReady, false);
  });
});
