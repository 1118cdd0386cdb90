// A worker is ready when it can serve, whatever the settings let clients do: its self-call passes by them all.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon } from '../support/daemon.js';
import { interceptor, servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

let certificates: TestCertificates;
before(async () => {
  certificates = await TestCertificates.make();
});
after(() => certificates[Symbol.dispose]());

test('workers become ready though every call needs a signature, health included', async () => {
  const config = { ...certificates.tls, signature: true, signatureData: { key: 'value' }, signatureExempt: [], maxWorkers: 2 };
  await using daemon = await startDaemon({ config });
  assert.equal((await daemon.status()).health, 'healthy');
});

test('workers become ready though every client needs a certificate', async () => {
  await using daemon = await startDaemon({ config: { ...certificates.mutualTls('require'), maxWorkers: 2 } });
  assert.equal((await daemon.status()).health, 'healthy');
});

test('workers become ready though an interceptor refuses every call', async () => {
  await using daemon = await startDaemon({ config: { interceptors: [interceptor('refuses-everything.js')], maxWorkers: 2 } });
  assert.equal((await daemon.status()).health, 'healthy');
  await using probe = new GrpcJsProbe(daemon.address);
  const { code, details } = await probe.call('Probe/Echo');
  assert.deepEqual({ code, details }, { code: 'PERMISSION_DENIED', details: 'refused by the test' });
});

test('workers become ready without the health service, and with every worker at its limit of one call', async () => {
  await using daemon = await startDaemon({ config: { health: false, maximumConcurrentRpcs: 2, maxWorkers: 2 } });
  assert.equal((await daemon.status()).health, 'healthy');
});

test('a worker is not ready before its slowest hook has settled', async () => {
  await using daemon = await startDaemon({ config: { servicers: [servicer('probe.js'), servicer('boots-slowly.js')] } });
  const [ready] = daemon.log.all('worker.ready');
  assert(Number(ready?.bootMs) >= 700, `ready after ${String(ready?.bootMs)} ms`);
});
