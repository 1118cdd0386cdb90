// What is read from files follows them, in every mode: certificates, and signatureData.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, after, before, test } from 'node:test';
import { connect } from 'node:tls';
import type { UserConfig } from '#src/config/options.js';
import { makeTestCertificates, type TestCertificates } from '../support/certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { GrpcJsProbe } from '../support/probe.js';
import { TempDir } from '../support/temp-dir.js';

const WORKERS = 2;
const MODES: Readonly<Record<string, UserConfig>> = {
  'transport http2': { transport: 'http2', balance: 'connection' },
  'transport lean': { transport: 'lean', balance: 'connection' },
  'balance rpc': { transport: 'lean', balance: 'rpc' },
};

const made = new TempDir();
let set: TestCertificates;
before(async () => {
  set = await makeTestCertificates(made.path);
});
after(() => made[Symbol.dispose]());

/** A daemon with TLS and a signature, whose files are all in `dir`. */
function start(dir: TempDir, mode: UserConfig, extra: UserConfig = {}): Promise<Daemon> {
  return startDaemon({
    config: {
      ...mode,
      maxWorkers: WORKERS,
      authentication: 'ssl',
      certificates: { serverCertificate: dir.write('server.crt', set.server.pem.certificate), serverCertificateKey: dir.write('server.key', set.server.pem.key, 0o600) },
      signature: true,
      signatureData: { 'x-key': { file: dir.write('signature', 'first\n', 0o600) }, 'x-fixed': 'constant' },
      ...extra,
    },
    deadline: 60_000,
  });
}

/** The end of a call that brings that value, from a connection of its own to each worker. */
async function codesWith(daemon: Daemon, value: string): Promise<Set<string>> {
  const codes = new Set<string>();
  const probes = Array.from({ length: WORKERS }, () => new GrpcJsProbe(daemon.address, { ca: set.ca.certificate }));
  for (const probe of probes) codes.add((await probe.call('Probe/Echo', {}, { metadata: [['x-key', value], ['x-fixed', 'constant']] })).code);
  for (const probe of probes) await probe[Symbol.asyncDispose]();
  return codes;
}

/** Waits until all workers accept and refuse these: what the primary has told them may still be on its way to one. */
async function accepts(daemon: Daemon, accepted: readonly string[], refused: readonly string[]): Promise<void> {
  const wanted = [...accepted.map(() => ['OK']), ...refused.map(() => ['UNAUTHENTICATED'])];
  let last: string[][] = [];
  const ask = async (): Promise<true | undefined> => {
    last = [];
    for (const value of [...accepted, ...refused]) last.push([...(await codesWith(daemon, value))]);
    return JSON.stringify(last) === JSON.stringify(wanted) ? true : undefined;
  };
  await daemon.deadline.poll(ask, `that ${accepted.join()} are accepted and ${refused.join()} refused`, () => JSON.stringify(last));
}

/** Fingerprint of what the server shows to a new connection. */
function shown(daemon: Daemon): Promise<string> {
  return daemon.until(new Promise<string>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: daemon.port, servername: 'localhost', ca: [set.ca.pem.certificate, set.otherCa.pem.certificate], ALPNProtocols: ['h2'] });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
  }), 'a TLS connection');
}

for (const [name, mode] of Object.entries(MODES)) {
  describe(`with ${name}`, { timeout: 120_000 }, () => {
    const dir = new TempDir();
    let daemon: Daemon;
    before(async () => {
      daemon = await start(dir, mode);
    });
    after(async () => {
      await daemon[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    });

    test('a secret that is rotated on disk counts for new calls in all workers, and a connection that is open', async () => {
      await using open = new GrpcJsProbe(daemon.address, { ca: set.ca.certificate });
      const call = async (value: string) => (await open.call('Probe/Identify', {}, { metadata: [['x-key', value], ['x-fixed', 'constant']] })).code;
      assert.deepEqual([await call('first'), await call('second')], ['OK', 'UNAUTHENTICATED']);
      // As a rotation goes: both, and then the new one alone.
      writeFileSync(dir.join('signature'), 'first\nsecond\n');
      const record = await daemon.waitFor('signature.replaced');
      assert.deepEqual([record.keys, record.workers], [['x-key', 'x-fixed'], WORKERS]);
      await accepts(daemon, ['first', 'second'], ['third']);
      dir.write('signature.new', 'second\n', 0o600);
      renameSync(dir.join('signature.new'), dir.join('signature'));
      await daemon.waitFor('signature.replaced', {}, 2);
      await accepts(daemon, ['second'], ['first']);
      assert.deepEqual([await call('first'), await call('second')], ['UNAUTHENTICATED', 'OK']);
    });

    test('a pair that is replaced on disk is shown to new connections', async () => {
      writeFileSync(dir.join('server.crt'), set.otherServer.pem.certificate);
      writeFileSync(dir.join('server.key'), set.otherServer.pem.key);
      await daemon.waitFor('certificates.replaced');
      for (let count = 0; count < WORKERS; count += 1) {
        assert.equal(await shown(daemon), new X509Certificate(set.otherServer.pem.certificate).fingerprint256);
      }
    });

    test('no secret is in the log', () => {
      assert.doesNotMatch(daemon.log.text, /\b(first|second|constant)\b/);
    });
  });
}

test('a secret whose file is gone counts on, in new workers too; the log and status tell, and a reload is refused', async () => {
  using dir = new TempDir();
  await using daemon = await start(dir, {});
  unlinkSync(dir.join('signature'));
  const { error, hint } = await daemon.waitFor('signature.refused');
  assert.match(String(error), /^signatureData\.x-key: .*\/signature cannot be read \(ENOENT\)$/);
  assert.match(String(hint), /one accepted value a line/);
  await accepts(daemon, ['first'], ['']);
  process.kill(daemon.workerPid(0), 'SIGKILL');
  await daemon.waitFor('worker.ready', { slot: 0 }, 2);
  // A replacement is told what was read last.
  await accepts(daemon, ['first'], ['']);
  const { health, problems } = await daemon.status();
  assert.deepEqual([health, problems], ['degraded', [`The files of signatureData are not in use: ${String(error)}`]]);
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict, report.error], [1, 'refused', error]);
  dir.write('signature', 'first\n', 0o600);
  await daemon.waitFor('signature.mended');
  const again = await daemon.reload();
  assert.equal(again.report.verdict, 'done', again.report.error);
  assert.equal((await daemon.status()).health, 'healthy');
});
