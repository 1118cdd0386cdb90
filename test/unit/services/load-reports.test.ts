import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { handleServerStreamingCall } from '@grpc/grpc-js';
import type { LoadReport } from '#src/ipc/load-report.js';
import { createLoadReports } from '#src/worker/services/load-reports.js';
import { BareServer } from '../../support/bare-server.js';
import { Deadline } from '../../support/deadline.js';
import { LoadReportStream } from '../../support/load-report-client.js';

const REPORT: LoadReport = {
  cpu: 1.25, memory: 0.5, eventLoop: 0.75, calls: 0.25, application: 1.25, callsPerSecond: 1000.5, errorsPerSecond: 2.5, workers: 3, inFlight: 7,
};

test('every figure is where the protocol has it', async () => {
  const reports = createLoadReports();
  await using server = await BareServer.start([reports]);
  using stream = new LoadReportStream(server.address, 1);
  reports.setReport(REPORT);
  const deadline = new Deadline(30_000);
  const { cpuUtilization, memUtilization, applicationUtilization, rpsFractional, eps, utilization, namedMetrics } = await deadline.poll(() => stream.newest, 'a report');
  assert.deepEqual([cpuUtilization, memUtilization, applicationUtilization, rpsFractional, eps], [1.25, 0.5, 1.25, 1000.5, 2.5]);
  assert.deepEqual(utilization, { event_loop: 0.75, calls: 0.25 });
  assert.deepEqual(namedMetrics, { 'grpcserverd.workers': 3, 'grpcserverd.inflight_rpcs': 7 });
});

test('a stream waits for the first figures, and without a cap on calls there is no share of it', async () => {
  const reports = createLoadReports();
  const { definition, implementation } = reports;
  let calls = 0;
  // What its definition says that it is.
  const handle = implementation.StreamCoreMetrics as handleServerStreamingCall<unknown, unknown>;
  const noting: typeof handle = (call) => {
    calls += 1;
    handle(call);
  };
  await using server = await BareServer.start([{ definition, implementation: { StreamCoreMetrics: noting } }]);
  using early = new LoadReportStream(server.address, 3600);
  using alsoEarly = new LoadReportStream(server.address, 2 ** 40);
  const deadline = new Deadline(30_000);
  // Both are there, and have nothing, when they are told.
  await deadline.poll(() => (calls === 2 ? true : undefined), 'both calls');
  assert.equal(early.reports.length + alsoEarly.reports.length, 0);
  reports.setReport({ ...REPORT, calls: null });
  for (const stream of [early, alsoEarly]) assert.deepEqual((await deadline.poll(() => stream.newest, 'a report')).utilization, { event_loop: 0.75 });
  reports.setReport(REPORT);
  using late = new LoadReportStream(server.address, 3600);
  assert.deepEqual((await deadline.poll(() => late.newest, 'a report')).utilization, { event_loop: 0.75, calls: 0.25 });
  assert.equal(early.reports.length + alsoEarly.reports.length, 2, 'an interval beyond what timers take is a long one');
});
