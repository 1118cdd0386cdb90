// loadReports: what clients are told of the load of the whole server, and what grpc-js's weighted_round_robin does with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { LoadReportStream, type OrcaReport } from '../support/load-report-client.js';
import { GrpcJsProbe } from '../support/probe.js';

/** Waits for a report for which this is true. */
function reported(daemon: Daemon, stream: LoadReportStream, what: string, isSo: (report: OrcaReport) => boolean): Promise<OrcaReport> {
  return daemon.deadline.poll(() => stream.reports.find(isSo), what, () => JSON.stringify(stream.reports));
}

test('every connection is told the same of the whole server, whichever of three workers it has, when one of them is busy', async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 3, loadReports: true } });
  const streams = Array.from({ length: 6 }, () => new LoadReportStream(daemon.address, 1));
  try {
    await daemon.deadline.poll(async () => {
      const { workers } = await daemon.status();
      return workers.every(({ inFlight }) => inFlight >= 1) ? true : undefined;
    }, 'a stream in each worker');
    await using probe = new GrpcJsProbe(daemon.address);
    const load = probe.load('Probe/Block', { ms: 40 }, 1);
    const told = streams.map(() => new Set<string>());
    const common = await daemon.deadline.poll(() => {
      for (const [index, { reports }] of streams.entries()) for (const report of reports) told[index]?.add(JSON.stringify(report));
      const [first = new Set<string>(), ...others] = told;
      const shared = [...first].filter((report) => others.every((set) => set.has(report))).map((text) => JSON.parse(text) as OrcaReport);
      return shared.find(({ utilization: { event_loop: busy = 0 }, rpsFractional }) => busy > 0.2 && rpsFractional > 1);
    }, 'one report that all six have', () => JSON.stringify(streams.map(({ newest }) => newest)));
    await load.stop();
    assert.equal(common.namedMetrics['grpcserverd.workers'], 3);
    assert.ok((common.utilization.event_loop ?? 1) < 0.6, `one of three: ${JSON.stringify(common)}`);
    assert.ok(common.applicationUtilization >= (common.utilization.event_loop ?? 1) && common.applicationUtilization >= common.cpuUtilization, JSON.stringify(common));
    assert.ok(common.memUtilization > 0 && common.memUtilization < 1, JSON.stringify(common));
    assert.ok((common.namedMetrics['grpcserverd.inflight_rpcs'] ?? 9) <= 1, 'the streams themselves are no load');
    assert.equal(common.eps, 0);
  } finally {
    for (const stream of streams) stream[Symbol.dispose]();
  }
});

test('the first report comes at once, no interval is below a second, and streams take no place of maximumConcurrentRpcs', async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 1, loadReports: true, maximumConcurrentRpcs: 1 } });
  using hasty = new LoadReportStream(daemon.address, 0.05);
  using patient = new LoadReportStream(daemon.address, null);
  await reported(daemon, patient, 'a report', () => true);
  await using probe = new GrpcJsProbe(daemon.address);
  const held = probe.open('Probe/Hold', { key: 'k' });
  assert.ok(await held.first, 'a call is let in beside the streams');
  assert.equal((await probe.call('Probe/Echo')).code, 'RESOURCE_EXHAUSTED');

  const full = await reported(daemon, hasty, 'the refused call', ({ eps, utilization }) => eps > 0 && utilization.calls === 1);
  assert.equal(full.applicationUtilization, 1);
  assert.equal(full.rpsFractional, full.eps, 'the refused call is the only one that ended');
  assert.equal(full.namedMetrics['grpcserverd.inflight_rpcs'], 1);
  held.cancel();
  await daemon.deadline.poll(() => (hasty.newest?.utilization.calls === 0 ? true : undefined), 'the end of the call');
  const gaps = hasty.times.slice(1).map((at, index) => at - (hasty.times[index] ?? 0));
  // One may come late, and the next then after less than a second.
  assert.ok(gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length > 800, `the intervals were ${gaps.map(Math.round).join()}`);
  assert.equal(patient.reports.length, 1, 'one who names no interval gets half a minute');
});

test('a reload brings load reports; in the next one and at a stop the streams end at once, and new ones come to the new workers', async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 2 } });
  using none = new LoadReportStream(daemon.address, 1);
  assert.equal((await daemon.until(none.end, 'an answer')).code, 'UNIMPLEMENTED');
  daemon.configure({ loadReports: true });
  assert.equal((await daemon.reload()).report.verdict, 'done');
  using old = new LoadReportStream(daemon.address, 1);
  await reported(daemon, old, 'a report', () => true);

  assert.equal((await daemon.reload()).report.verdict, 'done');
  assert.deepEqual(await daemon.until(old.end, 'the end of the stream'), { code: 'UNAVAILABLE', details: 'The worker is going away; ask again' });
  using next = new LoadReportStream(daemon.address, 1);
  await reported(daemon, next, 'the new workers alone', ({ namedMetrics }) => namedMetrics['grpcserverd.workers'] === 2);
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
  assert.equal((await next.end).code, 'UNAVAILABLE');
  assert.deepEqual(daemon.log.all('call.cut'), []);
});

test('grpc-js with weighted_round_robin and out-of-band reports gives the idle one of two servers more calls', async () => {
  const config = { maxWorkers: 2, loadReports: true };
  await using busy = await startDaemon({ config });
  await using idle = await startDaemon({ config });
  const policy = { enable_oob_load_report: true, oob_load_reporting_period: '1s', blackout_period: '0s', weight_update_period: '0.1s' };
  await using client = new GrpcJsProbe(`ipv4:${busy.address},${idle.address}`, undefined, {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ weighted_round_robin: policy }] }),
  });
  // Both workers of the one are kept busy by others.
  const others = Array.from({ length: 2 }, () => new GrpcJsProbe(busy.address));
  const loads = others.map((other) => other.load('Probe/Block', { ms: 20 }, 1));
  const pids = new Set(busy.processes());
  try {
    let areConnected = false;
    await busy.deadline.poll(async () => {
      const calls = await Promise.all(Array.from({ length: 40 }, () => client.call('Probe/Identify')));
      assert.ok(calls.every(({ code }) => code === 'OK'));
      const share = calls.filter(({ messages: [message] }) => message !== undefined && !pids.has(message.pid)).length / calls.length;
      // While one of the two is not connected yet, the other has all.
      const isWeighed = areConnected && share > 0.65;
      areConnected ||= share > 0 && share < 1;
      return isWeighed ? true : undefined;
    }, 'two thirds of the calls for the idle server');
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
    for (const other of others) await other[Symbol.asyncDispose]();
  }
});
