// Reloads under load over the lean transport: a client is told in time that its connection ends, however far away it
// is, and no call fails. What the primary does in a reload is reload-load.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon } from '../support/daemon.js';
import { DelayProxy } from '../support/delay-proxy.js';
import { MixedLoad } from '../support/mixed-load.js';

const ROUNDS = process.env.PROVE === undefined ? 10 : 100;

/** Milliseconds each way -> over TLS or not. */
const WAYS = [[0, 'plain'], [25, 'plain'], [25, 'tls']] as const;

for (const [delay, security] of WAYS) {
  const rounds = security === 'tls' ? ROUNDS / 5 : ROUNDS;
  test(`${rounds} reloads fail no call at a round trip of ${delay * 2} ms, ${security}`, async (context) => {
    using certificates = await TestCertificates.make();
    const tls = security === 'tls' ? { settings: certificates.tls, client: certificates.clientTls() } : null;
    await using daemon = await startDaemon({ config: { transport: 'lean', maxWorkers: 2, ...tls?.settings }, deadline: rounds * 20_000 });
    await using proxy = await DelayProxy.start(daemon.port, delay);
    await using load = new MixedLoad(delay === 0 ? daemon.address : proxy.address, tls?.client);
    await daemon.until(load.loading(), 'the first answers');
    for (let round = 1; round <= rounds; round += 1) {
      daemon.signal('SIGHUP');
      await daemon.waitFor('reload.ended', { verdict: 'done' }, round);
    }
    const { calls, failed } = await daemon.until(load.stop(), 'the end of the load');
    context.diagnostic(`${calls} calls`);
    assert.deepEqual(failed, [], daemon.log.text);
    assert.deepEqual(daemon.log.all('call.cut'), []);
  });
}
