// Certificates that are replaced on disk, however that is done: the running workers swap them in.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { makeTestCertificates, testCertificate, writeTestPair, type TestCertificates, type TestPair } from '../support/certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { TempDir } from '../support/temp-dir.js';

const WORKERS = 2;

const made = new TempDir();
let set: TestCertificates;
before(async () => {
  set = await makeTestCertificates(made.path);
});
after(() => made[Symbol.dispose]());

const fingerprintOf = ({ pem }: TestPair): string => new X509Certificate(pem.certificate).fingerprint256;

interface Visit {
  /** Of the certificate that the server showed; undefined when it came to nothing. */
  readonly fingerprint: string | undefined;
  /** Whether the server began to speak HTTP/2 with this client. */
  readonly isServed: boolean;
  readonly isResumed: boolean;
  readonly session: Buffer | undefined;
  readonly leave: () => void;
}

/** A connection of its own, which stays until it leaves. */
function visit(daemon: Daemon, options: ConnectionOptions = {}): Promise<Visit> {
  const visited = new Promise<Visit>((resolve) => {
    let session: Buffer | undefined;
    const ca = [set.ca.pem.certificate, set.otherCa.pem.certificate];
    const socket = connect({ host: '127.0.0.1', port: daemon.port, servername: 'localhost', ca, ALPNProtocols: ['h2'], ...options });
    // An object without it, while there is no certificate yet.
    const fingerprint = (): string | undefined => (socket.getPeerCertificate() as { fingerprint256?: string } | null)?.fingerprint256;
    const settle = (isServed: boolean): void =>
      resolve({ fingerprint: fingerprint(), isServed, isResumed: socket.isSessionReused(), session, leave: () => socket.destroy() });
    socket.on('session', (ticket) => (session = ticket));
    socket.on('error', () => undefined);
    socket.once('data', () => settle(true));
    socket.once('close', () => settle(false));
  });
  return daemon.until(visited, 'a TLS connection');
}

/** What the workers show now, one connection to each. */
async function shown(daemon: Daemon, workers = WORKERS): Promise<Set<string | undefined>> {
  // The one with fewer connections gets the next, as long as they stay.
  const visits: Visit[] = [];
  for (let count = 0; count < workers; count += 1) visits.push(await visit(daemon));
  for (const { leave } of visits) leave();
  return new Set(visits.map(({ fingerprint }) => fingerprint));
}

describe('a pair that is replaced', { timeout: 120_000 }, () => {
  const dir = new TempDir();
  const [crt, key] = [dir.join('tls/server.crt'), dir.join('tls/server.key')];
  let daemon: Daemon;
  let probe: GrpcJsProbe;
  let inUse: TestPair;

  function writeInto(folder: string, { pem }: TestPair): void {
    mkdirSync(dir.join(folder), { recursive: true });
    writeFileSync(dir.join(folder, 'server.crt'), pem.certificate);
    writeFileSync(dir.join(folder, 'server.key'), pem.key, { mode: 0o600 });
  }

  before(async () => {
    inUse = set.server;
    writeInto('first', inUse);
    symlinkSync('first', dir.join('tls'));
    daemon = await startDaemon({
      config: { maxWorkers: WORKERS, authentication: 'ssl', certificates: { serverCertificate: crt, serverCertificateKey: key } },
      deadline: 110_000,
    });
    probe = new GrpcJsProbe(daemon.address, { ca: set.ca.certificate });
  });
  after(async () => {
    await probe[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  });

  const events = (name: 'certificates.replaced' | 'certificates.refused' | 'certificates.mended') => daemon.log.all(name).length;

  /** Does it, waits for the swap, and asks every worker. */
  async function replaceBy(act: (next: TestPair) => Promise<void> | void): Promise<void> {
    const [replaced, refused] = [events('certificates.replaced'), events('certificates.refused')];
    const next = inUse === set.server ? set.otherServer : set.server;
    await act(next);
    const record = await daemon.waitFor('certificates.replaced', {}, replaced + 1);
    assert.equal(record.fingerprint, fingerprintOf(next));
    inUse = next;
    assert.deepEqual(await shown(daemon), new Set([fingerprintOf(next)]));
    assert.equal(events('certificates.refused'), refused, 'nobody was alarmed');
  }

  test('leaves open connections and their streams alone', async () => {
    const before = await probe.call('Probe/Identify');
    const stream = probe.open('Probe/Hold', { key: 'through the swap' }, { timeoutMs: 100_000 });
    await daemon.until(stream.first, 'the first message');
    await replaceBy((next) => writeInto('first', next));
    await replaceBy((next) => writeInto('first', next));
    const still = await Promise.race([stream.outcome, Promise.resolve('open')]);
    assert.equal(still, 'open');
    const afterwards = await probe.call('Probe/Identify');
    assert.equal(afterwards.messages[0]?.peer, before.messages[0]?.peer, 'the same connection');
    stream.cancel();
    assert.equal((await daemon.until(stream.outcome, 'the end of the stream')).code, 'CANCELLED');
  });

  test('is taken when it is renamed into place', () =>
    replaceBy((next) => {
      writeInto('beside', next);
      for (const name of ['server.key', 'server.crt']) renameSync(dir.join('beside', name), dir.join('tls', name));
    }));

  // In the two that follow the pause is no wait for anything: it is what happens.
  test('is taken when it is whole, and not while it was half written', () =>
    replaceBy(async (next) => {
      writeFileSync(key, next.pem.key);
      writeFileSync(crt, next.pem.certificate.slice(0, 500));
      await pause(1500);
      writeFileSync(crt, next.pem.certificate);
    }));

  test('is taken when the certificate comes a while after its key', () =>
    replaceBy(async (next) => {
      writeFileSync(key, next.pem.key);
      await pause(1500);
      writeFileSync(crt, next.pem.certificate);
    }));

  test('is taken when the link to its folder is exchanged', () =>
    replaceBy((next) => {
      writeInto('second', next);
      symlinkSync('second', dir.join('fresh'));
      renameSync(dir.join('fresh'), dir.join('tls'));
      rmSync(dir.join('first'), { recursive: true });
    }));

  test('serves on when its files are deleted, and nothing is new when they are back', async () => {
    const replaced = events('certificates.replaced');
    unlinkSync(crt);
    unlinkSync(key);
    const { error, validUntil } = await daemon.waitFor('certificates.refused', { role: 'primary' });
    assert.match(String(error), /serverCertificate: .*tls\/server\.crt does not exist/);
    assert.match(String(validUntil), /^\d{4}-/);
    assert.deepEqual(await shown(daemon), new Set([fingerprintOf(inUse)]));
    writeInto('second', inUse);
    await daemon.waitFor('certificates.mended');
    assert.deepEqual(await shown(daemon), new Set([fingerprintOf(inUse)]));
    assert.equal(events('certificates.replaced'), replaced);
  });

  test('serves on when a wrong one takes its place, which the log and status tell, and a reload refuses', async () => {
    writeFileSync(key, set.client.pem.key);
    const { error } = await daemon.waitFor('certificates.refused', { role: 'primary' }, 2);
    assert.match(String(error), /The key does not match the certificate "CN=localhost"/);
    assert.deepEqual(await shown(daemon), new Set([fingerprintOf(inUse)]));
    const { health, problems, certificate } = await daemon.status();
    assert.deepEqual([health, problems], ['degraded', [`The certificate files are not in use: ${String(error)}`]]);
    assert.deepEqual([certificate?.subject, certificate?.fingerprint, certificate?.warning], ['CN=localhost', fingerprintOf(inUse), '']);
    const { report } = await daemon.reload();
    assert.equal(report.verdict, 'refused');

    process.kill(daemon.workerPid(1), 'SIGKILL');
    await daemon.waitFor('worker.ready', { slot: 1 }, 2);
    assert.deepEqual(await shown(daemon), new Set([fingerprintOf(inUse)]), 'a replacement gets the last good pair');
    await replaceBy((next) => writeInto('second', next));
  });

  test('is what a worker shows that replaces a killed one, and every worker after a reload', async () => {
    await replaceBy((next) => writeInto('second', next));
    process.kill(daemon.workerPid(0), 'SIGKILL');
    await daemon.waitFor('worker.ready', { slot: 0 }, 2);
    assert.deepEqual(await shown(daemon), new Set([fingerprintOf(inUse)]));
    const { report } = await daemon.reload();
    assert.equal(report.verdict, 'done', report.error);
    assert.deepEqual(await shown(daemon), new Set([fingerprintOf(inUse)]));
    assert.equal((await daemon.status()).health, 'healthy');
  });

  test('is taken after a reload as before', () => replaceBy((next) => writeInto('second', next)));

  test('stands in status with its end', async () => {
    const soon = writeTestPair(made.path, 'soon', await testCertificate({ key: 'leaf', commonName: 'shop', purpose: 'server', hosts: ['localhost'], days: [-1, 5.5] }));
    const replaced = events('certificates.replaced');
    writeInto('second', soon);
    await daemon.waitFor('certificates.replaced', { level: 'warn' });
    assert.equal(events('certificates.replaced'), replaced + 1);
    assert.deepEqual((await daemon.waitFor('certificates.expiring')).days, 5);
    const { certificate, health } = await daemon.status();
    assert.match(certificate?.warning ?? '', /^expires on .*Z, in 5 days$/);
    assert.equal(health, 'healthy');
    const { stdout } = await daemon.command('status', '--config', daemon.configFile);
    assert.match(stdout, /^Certificate {2}expires in 5 days, on .*\n {13}CN=shop$/m);
  });
});

/** Holds a worker at its start, as long as there is such a file beside it. */
const GATED = `
import { existsSync } from 'node:fs';
export async function grpcHook() {
  console.log('at the gate');
  while (existsSync(new URL('closed', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 20));
}
`;

test('a worker that is starting meanwhile serves the new pair', async () => {
  using dir = new TempDir();
  const certificates = { serverCertificate: dir.write('server.crt', set.server.pem.certificate), serverCertificateKey: dir.write('server.key', set.server.pem.key, 0o600) };
  await using daemon = await startDaemon({
    config: { servicers: [servicer('probe.js'), './gated.mjs'], authentication: 'ssl', certificates },
    files: { 'gated.mjs': GATED },
  });
  daemon.dir.write('closed', '');
  await daemon.command('scale', '2', '--config', daemon.configFile);
  await daemon.waitFor('worker.console', { slot: 1, line: 'at the gate' });
  dir.write('server.crt', set.otherServer.pem.certificate);
  dir.write('server.key', set.otherServer.pem.key);
  await daemon.waitFor('certificates.replaced');
  unlinkSync(daemon.dir.join('closed'));
  await daemon.waitFor('worker.ready', { slot: 1 });
  assert.deepEqual(await shown(daemon), new Set([fingerprintOf(set.otherServer)]));
});

test('an authority that is replaced decides about new clients, resumed sessions included', async () => {
  using dir = new TempDir();
  const rootCertificate = dir.write('ca.crt', set.ca.pem.certificate);
  await using daemon = await startDaemon({
    config: {
      authentication: 'ssl',
      certificates: { serverCertificate: set.server.certificate, serverCertificateKey: set.server.key, rootCertificate },
      clientAuthentication: 'require',
    },
  });
  const as = ({ pem }: TestPair): ConnectionOptions => ({ cert: pem.certificate, key: pem.key });
  await using known = new GrpcJsProbe(daemon.address, { ca: set.ca.certificate, cert: set.client.certificate, key: set.client.key });
  const identity = await known.call('Probe/Identify');
  assert.equal(identity.code, 'OK');
  const sessions = await Promise.all(
    (['TLSv1.2', 'TLSv1.3'] as const).map(async (maxVersion) => {
      const { session, isServed, leave } = await visit(daemon, { ...as(set.client), maxVersion });
      leave();
      const again = await visit(daemon, { ...as(set.client), maxVersion, session });
      again.leave();
      assert.deepEqual([isServed, again.isServed, again.isResumed], [true, true, true], maxVersion);
      return { maxVersion, session };
    }),
  );
  assert.equal((await visit(daemon, as(set.otherClient))).isServed, false);

  writeFileSync(rootCertificate, set.otherCa.pem.certificate);
  assert.deepEqual((await daemon.waitFor('certificates.replaced')).authorities, ['CN=Other CA']);
  const stranger = await visit(daemon, as(set.otherClient));
  stranger.leave();
  assert.equal(stranger.isServed, true);
  assert.equal((await visit(daemon, as(set.client))).isServed, false);
  for (const { maxVersion, session } of sessions) {
    assert.equal((await visit(daemon, { ...as(set.client), maxVersion, session })).isServed, false, maxVersion);
  }
  assert.equal((await known.call('Probe/Identify')).messages[0]?.peer, identity.messages[0]?.peer, 'who was let in stays');
});
