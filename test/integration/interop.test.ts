// The same calls from every kind of client, over each transport, with and without TLS: what a servicer and its
// clients see is plain gRPC.
import { after, before, describe, test } from 'node:test';
import { CALL_CASES } from '../support/call-cases.js';
import type { ClientTls, Peer } from '../support/calls.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { PEERS } from '../support/peers.js';
import { Probe } from '../support/probe.js';

let certificates: TestCertificates;
before(async () => {
  certificates = await TestCertificates.make();
});
after(() => certificates[Symbol.dispose]());

for (const transport of ['http2', 'lean'] as const) {
  for (const security of ['plain', 'tls'] as const) {
    describe(`transport ${transport}, ${security}`, () => {
      let daemon: Daemon;
      let tls: ClientTls | undefined;
      before(async () => {
        daemon = await startDaemon({ config: { transport, ...(security === 'tls' ? certificates.tls : {}) }, deadline: 240_000 });
        tls = security === 'tls' ? certificates.clientTls() : undefined;
      });
      after(() => daemon[Symbol.asyncDispose]());

      for (const kind of PEERS) {
        describe(`a ${kind.name} client`, { skip: kind.skip }, () => {
          let peer: Peer;
          before(() => {
            peer = kind.connect(daemon.address, tls);
          });
          after(async () => {
            // Whatever the cases have left behind would be there while the client is.
            await daemon.deadline.poll(async () => ((await daemon.status()).workers.every(({ inFlight }) => inFlight === 0) ? true : undefined), 'no call in flight');
            await peer[Symbol.asyncDispose]();
          });

          for (const [title, run] of Object.entries(CALL_CASES)) {
            test(title, () => daemon.until(run(new Probe(peer), peer), title));
          }
        });
      }
    });
  }
}
