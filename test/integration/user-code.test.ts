// Handlers that never stop, in every mode: they cost their own calls, and nobody else's.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { startDaemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { weigh } from '../support/sessions.js';

const MIB = 2 ** 20;
const MODES = {
  'lean, connection': { transport: 'lean', balance: 'connection' },
  'lean, rpc': { transport: 'lean', balance: 'rpc' },
} as const;
const SERVICERS = [servicer('probe.js'), servicer('scripted.js'), servicer('runs-away.js')];
/** After the client has gone; 64 KiB each. */
const WRITES = 2000;

for (const [name, mode] of Object.entries(MODES)) {
  describe(`with ${name}`, () => {
    test('a handler that allocates without end costs the calls of its worker, which is replaced', async () => {
      await using daemon = await startDaemon({
        config: { ...mode, servicers: SERVICERS, maxWorkers: 2, nodeArguments: ['--max-old-space-size=48'] },
        deadline: 60_000,
      });
      // With fewest connections, or calls, these two are on different workers.
      await using innocent = new GrpcJsProbe(daemon.address);
      const held = innocent.open('Probe/Hold', { key: 'held' }, { timeoutMs: 60_000 });
      await daemon.until(held.first, 'the innocent call');
      await using guilty = new GrpcJsProbe(daemon.address);
      const { code } = await daemon.until(guilty.call('Misbehaviour/Answer', { how: 'allocate' }, { timeoutMs: 50_000 }), 'the end of the guilty call');
      assert.equal(code, 'UNAVAILABLE');
      const gone = await daemon.waitFor('worker.gone');
      assert.equal(gone.signal, 'SIGABRT');
      await daemon.waitFor('worker.ready', ({ slot, worker }) => slot === gone.slot && worker !== gone.worker);
      assert.equal((await guilty.call('Probe/Echo', {}, { timeoutMs: 20_000 })).code, 'OK');
      held.cancel();
      assert.equal((await held.outcome).code, 'CANCELLED', 'it went on until then');
    });

    test('a handler that writes for ever to a client that has gone does not fill the memory', async () => {
      await using daemon = await startDaemon({ config: { ...mode, servicers: SERVICERS, nodeArguments: ['--expose-gc'] } });
      const scale = new Client(daemon.address, credentials.createInsecure());
      const before = await weigh(scale);
      await using probe = new GrpcJsProbe(daemon.address);
      const written = async (): Promise<number> => (await probe.call('Misbehaviour/Answer', { how: 'tell' })).messages[0]?.size ?? 0;
      assert.equal((await probe.call('Misbehaviour/Stream', {}, { cancelAfter: 1 })).code, 'CANCELLED');
      const first = await written();
      await daemon.deadline.poll(async () => ((await written()) >= first + WRITES ? true : undefined), 'more writes');
      const after = await weigh(scale);
      scale.close();
      assert.ok(after - before < 32 * MIB, `${after - before} bytes for ${WRITES} writes`);
    });
  });
}
