// What a reload changes at once, for new connections, and what it puts off.
import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { hook, SERVICER, startOwn } from '../support/own-servicer.js';
import { GrpcJsProbe } from '../support/probe.js';

async function reload(daemon: Daemon) {
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict], [0, 'done'], `${report.error}\n${daemon.log.text}`);
  return report;
}

/** How a new client is answered: the name of the status, or of the reason why there was no connection. */
async function answerAt(address: string): Promise<string> {
  await using probe = new GrpcJsProbe(address);
  const { code, details } = await probe.call('Probe/Echo', {}, { timeoutMs: 3000 });
  return details.includes('ECONNREFUSED') ? 'refused' : code;
}

async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('a new port is opened before the old one is closed, and calls in flight at the old one finish', async () => {
  await using daemon = await startDaemon();
  const old = daemon.address;
  await using probe = new GrpcJsProbe(old);
  const sleeping = probe.open('Probe/Sleep', { ms: 2500 });
  await probe.call('Probe/Echo');
  const port = await freePort();
  daemon.configure({ port });
  await reload(daemon);
  assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'OK');
  assert.deepEqual([await answerAt(`127.0.0.1:${port}`), await answerAt(old)], ['OK', 'refused']);
  await daemon.waitFor('daemon.listening', { port });
  const { address, port: shown } = await daemon.status();
  assert.deepEqual([address, shown], [`127.0.0.1:${port}`, port]);
});

test('a new host counts: the server moves from one address of the machine to another', { skip: process.platform !== 'linux' && 'needs 127.0.0.2' }, async () => {
  const port = await freePort('127.0.0.2');
  await using daemon = await startDaemon({ config: { port } });
  daemon.configure({ host: '127.0.0.2' });
  await reload(daemon);
  assert.deepEqual([await answerAt(`127.0.0.2:${port}`), await answerAt(`127.0.0.1:${port}`)], ['OK', 'refused']);
});

test('the server moves to a unix socket and back to a port', async () => {
  await using daemon = await startDaemon();
  const path = daemon.dir.join('grpc.sock');
  daemon.configure({ host: `unix:${path}` });
  await reload(daemon);
  assert.deepEqual([await answerAt(`unix:${path}`), await answerAt(daemon.address)], ['OK', 'refused']);
  const port = await freePort();
  daemon.configure({ host: '127.0.0.1', port });
  await reload(daemon);
  assert.equal(await answerAt(`127.0.0.1:${port}`), 'OK');
  const socket = connect(path);
  await assert.rejects(once(socket, 'connect'), { code: 'ENOENT' });
});

test('a reload that fails closes the port that it had opened', async () => {
  const port = await freePort();
  await using daemon = await startDaemon();
  daemon.configure({ port, servicers: ['./gone.js'] });
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict], [1, 'rolled-back']);
  assert.deepEqual([await answerAt(`127.0.0.1:${port}`), await answerAt(daemon.address)], ['refused', 'OK']);
});

test('more and fewer workers', async () => {
  await using daemon = await startDaemon();
  for (const maxWorkers of [3, 1]) {
    daemon.configure({ maxWorkers });
    await reload(daemon);
    const { goal, workers, health } = await daemon.status();
    assert.deepEqual([goal.workers, workers.map(({ slot }) => slot), health], [maxWorkers, Array.from({ length: maxWorkers }, (_, slot) => slot), 'healthy']);
  }
});

test('signature, call limit, arguments of node and the log level', async () => {
  using certificates = await TestCertificates.make();
  await using daemon = await startOwn(certificates.tls);
  daemon.dir.write(SERVICER, hook('console.log(process.execArgv.join());', 'await probe(server, context);'));
  await using probe = new GrpcJsProbe(daemon.address, certificates.clientTls());
  daemon.configure({ signature: true, signatureData: { key: 'one' }, maximumConcurrentRpcs: 1, nodeArguments: ['--stack-trace-limit=7'], log: { level: 'warn' } });
  await reload(daemon);
  assert.equal((await probe.call('Probe/Echo')).code, 'UNAUTHENTICATED');
  const signed = { metadata: [['key', 'one']] } as const;
  const holding = probe.open('Probe/Hold', { key: 'k' }, signed);
  await holding.first;
  assert.equal((await probe.call('Probe/Echo', {}, signed)).code, 'RESOURCE_EXHAUSTED');
  holding.cancel();
  await daemon.waitFor('worker.console', { line: '--stack-trace-limit=7' });

  const lines = daemon.log.records.length;
  daemon.configure({ signatureData: { key: 'two' }, maximumConcurrentRpcs: null });
  await reload(daemon);
  assert.equal((await probe.call('Probe/Echo', {}, signed)).code, 'UNAUTHENTICATED');
  assert.equal((await probe.call('Probe/Echo', {}, { metadata: [['key', 'two']] })).code, 'OK');
  assert.deepEqual(daemon.log.records.slice(lines).filter(({ level }) => level === 'info' || level === 'debug'), []);
});

test('new connections get the new certificate', async () => {
  using one = await TestCertificates.make();
  using two = await TestCertificates.make();
  await using daemon = await startDaemon({ config: one.tls });
  const answered = async (certificates: TestCertificates): Promise<string> => {
    await using probe = new GrpcJsProbe(daemon.address, certificates.clientTls());
    return (await probe.call('Probe/Echo', {}, { timeoutMs: 3000 })).code;
  };
  assert.deepEqual([await answered(one), await answered(two)], ['OK', 'UNAVAILABLE']);
  daemon.configure(two.tls);
  await reload(daemon);
  assert.deepEqual([await answered(one), await answered(two)], ['UNAVAILABLE', 'OK']);
});

test('what only a restart can change is put off, and listed', async () => {
  await using daemon = await startDaemon();
  daemon.configure({ name: 'other', pidfile: './pid', log: { format: 'pretty', level: 'debug' }, runtimeDir: './elsewhere' });
  const { restartRequired } = await reload(daemon);
  assert.deepEqual([...restartRequired].sort(), ['log.format', 'name', 'pidfile', 'runtimeDir']);
  const { name, restartRequired: listed } = await daemon.status();
  assert.deepEqual([name, [...listed].sort()], ['default', [...restartRequired].sort()]);
  daemon.configure({ name: 'default', pidfile: null, log: {}, runtimeDir: null });
  assert.deepEqual((await reload(daemon)).restartRequired, []);
});
