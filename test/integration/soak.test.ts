// Thousands of calls of every kind, from every kind of client, over each transport: nothing piles up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import type { Load } from '../support/calls.js';
import { startDaemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { PEERS } from '../support/peers.js';
import { Probe } from '../support/probe.js';
import { census, weigh } from '../support/sessions.js';

/** Of each of two rounds, from all clients together. */
const CALLS = process.env.PROVE === undefined ? 3000 : 200_000;
const MIB = 2 ** 20;
const MODES = {
  http2: { transport: 'http2', balance: 'connection' },
  lean: { transport: 'lean', balance: 'connection' },
  rpc: { transport: 'lean', balance: 'rpc' },
} as const;

for (const [mode, config] of Object.entries(MODES)) {
  test(`twice ${CALLS} calls, some given up and some too late, leave no call, timer, listener or memory behind (${mode})`, async (context) => {
    await using daemon = await startDaemon({
      config: { ...config, servicers: [servicer('probe.js'), servicer('scripted.js')], reflection: false, nodeArguments: ['--expose-gc'] },
      deadline: 60_000 + CALLS * 40,
    });
    const scale = new Client(daemon.address, credentials.createInsecure());
    const quiet = async (): Promise<number> => {
      await daemon.deadline.poll(async () => ((await daemon.status()).workers.every(({ inFlight }) => inFlight === 0) ? true : undefined), 'no call in flight');
      return weigh(scale);
    };
    // Connections take a moment to be gone.
    const rest = async () => census(scale);
    const round = async (): Promise<void> => {
      const probes = PEERS.filter(({ skip }) => skip === false).map((kind) => new Probe(kind.connect(daemon.address)));
      const before = (await daemon.status()).workers[0]?.calls ?? 0;
      const message = { body: Buffer.alloc(1000) };
      const kinds = (probe: Probe): [string, Load][] => [
        ['OK', probe.load('Probe/Echo', message, 4)],
        ['OK', probe.load('Probe/Repeat', { times: 10, size: 1000 }, 2)],
        ['OK', probe.load('Probe/Collect', Array(10).fill(message), 2)],
        ['OK', probe.load('Probe/Converse', Array(10).fill(message), 2, { lockstep: true })],
        ['NOT_FOUND', probe.load('Probe/Fail', { code: 5, details: 'not found' }, 1)],
        // Node's own HTTP/2 takes a thousand resets and 33 a second, and ends the connection then.
        ...(mode === 'http2' ? [] : given(probe)),
      ];
      const given = (probe: Probe): [string, Load][] => [
        ['CANCELLED', probe.load('Probe/Repeat', { times: 1000, size: 1000, ms: 1 }, 1, { cancelAfter: 1 })],
        ['DEADLINE_EXCEEDED', probe.load('Probe/Repeat', { times: 1000, size: 1000, ms: 1 }, 1, { timeoutMs: 1 + Math.round(Math.random() * 50) })],
      ];
      const loads = probes.flatMap(kinds);
      await daemon.deadline.poll(async () => (((await daemon.status()).workers[0]?.calls ?? 0) >= before + CALLS ? true : undefined), 'the calls');
      try {
        for (const [expected, load] of loads) {
          const { calls, codes, details } = await daemon.until(load.stop(), 'the end of the calls');
          assert.deepEqual(codes, { [expected]: calls }, JSON.stringify({ details, limited: daemon.log.all('connection.limited') }));
        }
      } finally {
        for (const probe of probes) await probe[Symbol.asyncDispose]();
      }
    };

    await round();
    const once = await quiet();
    const before = await rest();
    await round();
    const twice = await quiet();
    const { listeners } = await daemon.deadline.poll(async () => {
      const now = await rest();
      return now.resources <= before.resources ? now : undefined;
    }, `no more than ${before.resources} resources`);
    assert.equal(listeners, before.listeners);
    scale.close();
    context.diagnostic(`${(once / MIB).toFixed(1)} MiB after the first, ${(twice / MIB).toFixed(1)} after the second`);
    // A forgotten stream is a kilobyte and more.
    assert(twice - once < MIB, `${twice - once} bytes more`);
  });
}
