// Workers that have served enough are replaced under load, and no call notices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { grpcJs } from '../support/peers.js';
import { GrpcJsProbe, Probe } from '../support/probe.js';

/** Clients with calls in flight, each with a connection of its own; returns what ends them and demands that none failed. */
async function keepBusy(daemon: Daemon, clients: number): Promise<() => Promise<void>> {
  const probes = Array.from({ length: clients }, () => new Probe(grpcJs.connect(daemon.address)));
  const loads = probes.map((probe) => probe.load('Probe/Sleep', { ms: 10 }, 4));
  await daemon.until(Promise.all(loads.map(({ loading }) => loading)), 'the load');
  return async () => {
    for (const tally of await daemon.until(Promise.all(loads.map((load) => load.stop())), 'the end of the load')) {
      assert.deepEqual(tally.codes, { OK: tally.calls }, JSON.stringify(tally.details));
    }
    for (const probe of probes) await probe[Symbol.asyncDispose]();
  };
}

/** Waits until the first worker of a slot has left for that reason; its replacement served before. */
async function assertReplaced(daemon: Daemon, slot: number, cause: string): Promise<void> {
  const gone = await daemon.waitFor('worker.gone', { slot, cause });
  const { cut } = await daemon.waitFor('worker.drained', { worker: gone.worker });
  assert.deepEqual([cut, gone.exitCode, gone.signal], [0, 0, null]);
  const { records } = daemon.log;
  const draining = records.findIndex(({ event, worker }) => event === 'worker.draining' && worker === gone.worker);
  const served = records.findIndex(({ event, worker, slot: at }) => event === 'worker.ready' && worker !== gone.worker && at === slot);
  assert.ok(served !== -1 && served < draining, daemon.log.text);
  assert.ok(daemon.log.all('worker.starting', { slot, cause }).length > 0);
}

const LIMITS: readonly (readonly [keyof UserConfig, UserConfig])[] = [
  ['maxCallsPerWorker', { maxCallsPerWorker: 300 }],
  ['maxWorkerAge', { maxWorkerAge: '3s' }],
];

for (const [cause, limit] of LIMITS) {
  test(`workers over ${cause} are replaced, one after the other, and no call fails`, async () => {
    await using daemon = await startDaemon({ config: { maxWorkers: 2, ...limit }, deadline: 60_000 });
    const end = await keepBusy(daemon, 4);
    await assertReplaced(daemon, 0, cause);
    await assertReplaced(daemon, 1, cause);
    await end();
  });
}

test('a worker that leaks is replaced before its memory ends, and no call fails', async () => {
  const config = { servicers: [servicer('probe.js'), servicer('keeps-memory.js')], maxWorkerMemory: '160MiB' } as const;
  await using daemon = await startDaemon({ config, deadline: 60_000 });
  const end = await keepBusy(daemon, 2);
  await using guilty = new GrpcJsProbe(daemon.address);
  const leak = guilty.load('Misbehaviour/Answer', { how: '4' }, 1);
  await daemon.waitFor('worker.draining', { cause: 'maxWorkerMemory' });
  const { calls, codes } = await daemon.until(leak.stop(), 'the end of the leak');
  assert.deepEqual(codes, { OK: calls });
  await assertReplaced(daemon, 0, 'maxWorkerMemory');
  await end();
});
