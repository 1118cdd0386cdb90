/** Writes what real clients send to test/fixtures/sessions: npm run fuzz -- --record. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { startDaemon } from '../support/daemon.js';
import { DelayProxy } from '../support/delay-proxy.js';
import { ROOT } from '../support/paths.js';
import { grpcJs, PEERS } from '../support/peers.js';
import { Probe } from '../support/probe.js';

const METADATA = [['echo-a', 'one'], ['echo-b-bin', 'AAEC/v8='], ['echo-long', 'x'.repeat(300)], ['authorization', 'Bearer 0123456789']] as const;

async function calls(probe: Probe, canCompress: boolean): Promise<void> {
  const body = Buffer.from('a body');
  for (let round = 0; round < 3; round += 1) {
    await probe.call('Probe/Echo', { body }, { metadata: [...METADATA, ['echo-round', String(round)]] });
    await probe.call('Probe/Collect', [1, 100, 3000].map((size) => ({ body: Buffer.alloc(size) })));
    await probe.call('Probe/Repeat', { sizes: [10, 70_000, 0] }, { timeoutMs: 60_000 });
    await probe.call('Probe/Converse', [{ body }, { body, size: 40_000 }, { body }], { lockstep: true });
    await probe.call('Probe/Reflect', { body }, { metadata: METADATA });
    await probe.call('Probe/Repeat', { times: 50, size: 10, ms: 5 }, { cancelAfter: 2 });
    await Promise.all(Array.from({ length: 5 }, () => probe.call('Probe/Echo', { body, size: 2000 })));
    if (canCompress) await probe.call('Probe/Echo', { body: Buffer.alloc(3000, 'z') }, { compress: 'gzip' });
  }
}

export async function record(): Promise<void> {
  const folder = `${ROOT}test/fixtures/sessions/`;
  mkdirSync(folder, { recursive: true });
  for (const transport of ['http2', 'lean'] as const) {
    await using daemon = await startDaemon({ config: { transport }, deadline: 120_000 });
    for (const kind of PEERS) {
      if (kind.skip !== false) continue;
      const chunks: Buffer[] = [];
      await using proxy = await DelayProxy.start(daemon.port, 0, (chunk) => chunks.push(chunk));
      await using probe = new Probe(kind.connect(proxy.address));
      // grpc-js takes another connection for it.
      await calls(probe, kind !== grpcJs);
      if (proxy.accepted === 1) writeFileSync(`${folder}${kind.name.toLowerCase()}-${transport}.bin`, Buffer.concat(chunks));
      else console.error(`${kind.name} took ${proxy.accepted} connections`);
    }
  }
}
