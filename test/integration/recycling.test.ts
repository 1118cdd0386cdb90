// A worker that is replaced gracefully under load: its successor is ready first, and no other call fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { PEERS } from '../support/peers.js';
import { GrpcJsProbe, Probe } from '../support/probe.js';

const servicers = [servicer('probe.js'), servicer('misbehaves.js')];

for (const kind of PEERS) {
  test(`no call of a ${kind.name} client fails while its worker is replaced`, { skip: kind.skip }, async () => {
    await using daemon = await startDaemon({ config: { servicers } });
    await using probe = new Probe(kind.connect(daemon.address));
    const load = probe.load('Probe/Sleep', { ms: 10 }, 8);
    await daemon.until(load.loading, 'the load');

    const old = daemon.workerPid(0);
    await using guilty = new GrpcJsProbe(daemon.address);
    assert.equal((await guilty.call('Misbehaviour/Answer', { how: 'throws-in-a-timer' }, { timeoutMs: 5000 })).code, 'INTERNAL');
    const gone = await daemon.waitFor('worker.gone', { worker: old });
    assert.deepEqual([gone.exitCode, gone.signal], [0, null]);
    assert.equal((await daemon.waitFor('worker.drained', { worker: old })).cut, 0);
    // It still works, through the new worker.
    assert.notEqual((await probe.call('Probe/Identify')).messages[0]?.pid, old);

    const { calls, codes, details } = await daemon.until(load.stop(), 'the end of the load');
    assert.deepEqual(codes, { OK: calls }, JSON.stringify(details));
  });
}
