import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Load } from '#src/ipc/messages.js';
import type { RouterLoad } from '#src/ipc/router-messages.js';
import { LoadMeter } from '#src/primary/load-meter.js';
import { serverLoad, type LoadedRouter, type LoadedWorker } from '#src/primary/server-load.js';

const NOW = 10_000;
const RESOURCES = { processors: 4, memory: 1000, callLimit: null };
const QUIET: Load = {
  connections: 0, inFlight: 0, calls: 0, eventLoopDelay: 0, eventLoopUtilization: 0, rss: 100, heapUsed: 1, p99: 0, oldestCall: null,
  cpu: 50, served: { inFlight: 0, ended: 500, failed: 50 },
};
const ROUTER: RouterLoad = {
  connections: 0, links: 0, inFlight: 0, waiting: 0, calls: 0, lost: 1, refused: { limit: 2, 'no-worker': 3, 'queue-full': 4 }, faults: {},
  buffered: 0, bytesRead: 0, bytesWritten: 0, cpu: 7, workers: [],
};

/** A worker that said QUIET first, and two seconds later this. */
function worker(last: Partial<Load> = {}, { lastSign = NOW, ...more }: Partial<LoadedWorker> = {}): LoadedWorker {
  const meter = new LoadMeter<Load>();
  meter.note(QUIET, NOW - 2000);
  meter.note({ ...QUIET, ...last }, NOW);
  return { state: 'ready', load: meter.load, meter, lastSign, inspection: null, ...more };
}

function router(last: Partial<RouterLoad>): LoadedRouter {
  const meter = new LoadMeter<RouterLoad>();
  meter.note(ROUTER, NOW - 2000);
  meter.note({ ...ROUTER, ...last }, NOW);
  return { meter };
}

test('what workers and routers did since their last heartbeat adds up', () => {
  const workers = [
    worker({ cpu: 52, eventLoopUtilization: 0.9, served: { inFlight: 3, ended: 700, failed: 60 } }),
    worker({ cpu: 51, eventLoopUtilization: 0.3, served: { inFlight: 1, ended: 502, failed: 50 } }),
  ];
  const routers = [router({ cpu: 8, lost: 3, refused: { limit: 6, 'no-worker': 3, 'queue-full': 4 } })];
  assert.deepEqual(serverLoad(workers, routers, RESOURCES, NOW), {
    cpu: (1 + 0.5 + 0.5) / 4, memory: 0.2, eventLoop: 0.6, calls: null, application: 0.6,
    // 202 that workers ended, 2 lost and 4 refused, in two seconds.
    callsPerSecond: 104, errorsPerSecond: 8, workers: 2, inFlight: 4,
  });
});

test('the application is as busy as the scarcest of what it needs', () => {
  const resources = { ...RESOURCES, callLimit: 10 };
  const of = (last: Partial<Load>, processors = 4): number => serverLoad([worker(last)], [], { ...resources, processors }, NOW).application;
  assert.equal(of({ eventLoopUtilization: 0.5, served: { inFlight: 9, ended: 500, failed: 50 } }), 0.9);
  assert.equal(of({ eventLoopUtilization: 0.5, served: { inFlight: 1, ended: 500, failed: 50 } }), 0.5);
  assert.equal(of({ cpu: 52, eventLoopUtilization: 0.5 }, 0.5), 2, 'half a processor is what a small container has');
});

test('a worker that is silent holds its event loop and a processor, unless a person holds it', () => {
  const silent = { lastSign: NOW - 5001 };
  const { eventLoop, cpu } = serverLoad([worker(), worker({}, silent)], [], RESOURCES, NOW);
  assert.deepEqual([eventLoop, cpu], [0.5, 0.25]);
  const inspection = { type: 'snapshot', file: '/heap', until: NOW + 1 } as const;
  assert.equal(serverLoad([worker({}, { ...silent, inspection })], [], RESOURCES, NOW).eventLoop, 0);
});

test('a worker that boots or drains counts with its work, not among those that take calls', () => {
  const booting = { ...worker({}, { state: 'starting', lastSign: NOW - 9000 }), load: null, meter: new LoadMeter<Load>() };
  const draining = worker({ cpu: 52, eventLoopUtilization: 1, served: { inFlight: 5, ended: 500, failed: 50 } }, { state: 'draining' });
  const report = serverLoad([booting, draining, worker({ eventLoopUtilization: 0.2 })], [], RESOURCES, NOW);
  assert.deepEqual([report.workers, report.eventLoop, report.inFlight, report.cpu], [1, 0.2, 5, 0.25]);
  assert.equal(serverLoad([booting], [], RESOURCES, NOW).eventLoop, 1, 'with no worker there is no room');
});

test('shares of memory and of the cap never exceed the whole', () => {
  const heavy = worker({ rss: 5000, served: { inFlight: 12, ended: 500, failed: 50 } });
  const { memory, calls } = serverLoad([heavy], [], { ...RESOURCES, callLimit: 10 }, NOW);
  assert.deepEqual([memory, calls], [1, 1]);
});
