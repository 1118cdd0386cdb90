// Thousands of calls of every kind, from every kind of client, over each transport: nothing piles up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { startDaemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { PEERS } from '../support/peers.js';
import { Probe } from '../support/probe.js';
import { weigh } from '../support/sessions.js';

/** Of each of two rounds, from all clients together. */
const CALLS = process.env.PROVE === undefined ? 5000 : 200_000;
const MIB = 2 ** 20;

for (const transport of ['http2', 'lean'] as const) {
  test(`twice ${CALLS} calls leave no call and no memory behind, transport ${transport}`, async (context) => {
    await using daemon = await startDaemon({
      config: { transport, servicers: [servicer('probe.js'), servicer('scripted.js')], reflection: false, nodeArguments: ['--expose-gc'] },
      deadline: 60_000 + CALLS * 40,
    });
    const scale = new Client(daemon.address, credentials.createInsecure());
    const quiet = async (): Promise<number> => {
      await daemon.deadline.poll(async () => ((await daemon.status()).workers.every(({ inFlight }) => inFlight === 0) ? true : undefined), 'no call in flight');
      return weigh(scale);
    };
    const round = async (): Promise<void> => {
      const probes = PEERS.filter(({ skip }) => skip === false).map((kind) => new Probe(kind.connect(daemon.address)));
      const before = (await daemon.status()).workers[0]?.calls ?? 0;
      const message = { body: Buffer.alloc(1000) };
      const loads = probes.flatMap((probe) => [
        probe.load('Probe/Echo', message, 4),
        probe.load('Probe/Repeat', { times: 10, size: 1000 }, 2),
        probe.load('Probe/Collect', Array(10).fill(message), 2),
        probe.load('Probe/Converse', Array(10).fill(message), 2, { lockstep: true }),
        probe.load('Probe/Fail', { code: 5, details: 'not found' }, 1),
        probe.load('Probe/Repeat', { times: 1000, size: 1000, ms: 1 }, 1, { cancelAfter: 1 }),
      ]);
      await daemon.deadline.poll(async () => (((await daemon.status()).workers[0]?.calls ?? 0) >= before + CALLS ? true : undefined), 'the calls');
      const tallies = await daemon.until(Promise.all(loads.map((load) => load.stop())), 'the end of the calls');
      for (const [index, { calls, codes }] of tallies.entries()) {
        assert.deepEqual(codes, { [['OK', 'OK', 'OK', 'OK', 'NOT_FOUND', 'CANCELLED'][index % 6] ?? '']: calls });
      }
      for (const probe of probes) await probe[Symbol.asyncDispose]();
    };

    await round();
    const once = await quiet();
    await round();
    const twice = await quiet();
    scale.close();
    context.diagnostic(`${(once / MIB).toFixed(1)} MiB after the first, ${(twice / MIB).toFixed(1)} after the second`);
    // Of each call a hundred bytes would be half a megabyte, and a forgotten stream is a kilobyte and more.
    assert(twice - once < MIB, `${twice - once} bytes more`);
  });
}
