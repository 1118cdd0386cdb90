// Signature values and private keys stay where they belong: in no log, status, error, report or process title, and the
// control socket is for the daemon's own user.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TestCertificates } from '../support/daemon-certificates.js';
import { failDaemon, startDaemon } from '../support/daemon.js';
import { NOBODY, notAsNobody } from '../support/ordinary-user.js';
import { BIN, servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { commandOf, HAS_PROC } from '../support/processes.js';
import { RawClient } from '../support/raw-client.js';

/** As values of metadata, of a flag, and in a file. */
const SECRETS = ['hidden-in-flag', 'hidden-in-file'] as const;
const PAIRS = [['x-flag', SECRETS[0]], ['x-file', SECRETS[1]]] as const;

let certificates: TestCertificates;
before(async () => {
  certificates = await TestCertificates.make();
});
after(() => certificates[Symbol.dispose]());

/** Lines of the private key, which no text of ours may hold. */
function keyLines(): string[] {
  const { serverCertificateKey } = certificates.tls.certificates;
  return readFileSync(serverCertificateKey, 'utf8').trim().split('\n').slice(1, -1);
}

function assertClean(text: string, what: string): void {
  for (const secret of [...SECRETS, ...keyLines()]) assert.ok(!text.includes(secret), `${what} holds a secret`);
}

test('secrets are in no log, status, command line, file of the daemon, or what a crash leaves', async () => {
  await using daemon = await startDaemon({
    config: { ...certificates.tls, servicers: [servicer('probe.js'), servicer('crashes-on-call.js')], signature: true, log: { level: 'trace' } },
    files: { signature: SECRETS[1] },
    args: ['--signature-data', JSON.stringify({ 'x-flag': SECRETS[0], 'x-file': { file: 'signature' } })],
  });
  const titles = (): string => (HAS_PROC ? daemon.processes().map(commandOf).join('\n') : '');
  assertClean(titles(), 'a process title');
  await using probe = new GrpcJsProbe(daemon.address, certificates.clientTls());
  assert.equal((await probe.call('Probe/Echo', {}, { metadata: PAIRS })).code, 'OK');
  assert.equal((await probe.call('Probe/Echo', {}, { metadata: [['x-flag', 'wrong']] })).code, 'UNAUTHENTICATED');

  const crash = await probe.call('Misbehaviour/Answer', { how: 'aborts' }, { metadata: PAIRS });
  assertClean(JSON.stringify(crash), 'the answer to a call whose worker crashed');
  await daemon.waitFor('worker.ready', {}, 2);
  assertClean(titles(), 'a process title');

  for (const words of [['status'], ['status', '--json'], ['config', 'show', '--origin', '--config', daemon.configFile], ['check', '--config', daemon.configFile]]) {
    const { stdout, stderr } = await daemon.until(daemon.command(...words), words.join(' '));
    assertClean(stdout + stderr, words.join(' '));
  }
  for (const path of readdirSync(daemon.dir.path, { recursive: true, encoding: 'utf8' })) {
    const file = join(daemon.dir.path, path);
    // Node's diagnostic reports hold the environment and the command line; none is asked for.
    assert.ok(!/report\..*\.json$|^core/.test(path), path);
    if (path !== 'signature' && statSync(file).isFile()) assertClean(readFileSync(file, 'latin1'), path);
  }
  await daemon.stop();
  assertClean(daemon.log.text, 'the log');
});

test('a config that is refused does not show its secrets', async () => {
  const { code, log } = await failDaemon({ config: { signature: true, signatureData: { 'x-flag': [SECRETS[0], 5] as unknown as string } } });
  assert.equal(code, 78);
  assertClean(log.text, 'the error');
});

test('a file of signatureData that everybody may read stops the start, and the error says what to do', async () => {
  await using good = await startDaemon();
  // Its folder is private, as that of every daemon of the tests; one that is not is tried in test/unit/secret-access.test.ts.
  assert.deepEqual(good.log.all('config.warning'), []);
  const path = '/etc/hostname';
  const { code, log } = await failDaemon({ config: { ...certificates.tls, signature: true, signatureData: { 'x-file': { file: path } } } });
  assert.equal(code, 78);
  assert.match(log.text, /signatureData\.x-file: \/etc\/hostname can be read by every user of this machine/);
  assert.match(log.text, /allowWorldReadableKeys/);
});

test('the control socket is nothing to other users', { skip: notAsNobody() }, async () => {
  await using daemon = await startDaemon();
  const folder = join(daemon.dir.path, 'run', 'grpcserverd', 'default');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'control.sock')).mode & 0o077, 0, 'also by itself');
  const code = `require('node:net').connect(${JSON.stringify(join(folder, 'control.sock'))})
    .on('connect', () => { console.log('connected'); process.exit(0); }).on('error', ({ code }) => { console.log(code); process.exit(0); })`;
  const { stdout } = spawnSync(process.execPath, ['-e', code], { uid: NOBODY, gid: NOBODY, cwd: '/', encoding: 'utf8' });
  assert.equal(stdout, 'EACCES\n');
  const stop = spawnSync(process.execPath, [BIN, 'stop'], { uid: NOBODY, gid: NOBODY, cwd: '/', env: { ...daemon.env }, encoding: 'utf8' });
  assert.doesNotMatch(stop.stdout, /stopped/i);
  assert.equal((await daemon.status()).health, 'healthy');
});

for (const transport of ['http2', 'lean'] as const) {
  test(`metadata that gRPC does not permit is dropped without a word of what it said, transport ${transport}`, async () => {
    await using daemon = await startDaemon({ config: { transport } });
    using client = await RawClient.connect(daemon.port);
    client.greet().call(1, '/probe.v1.Probe/Reflect', { metadata: [['authorization', 'b\u00e9arer hidden'], ['echo-a!', 'hidden'], ['echo-b', 'c']] });
    client.data(1, Buffer.alloc(5), true);
    const headers = await client.frameOf('HEADERS', 1);
    const fields = client.decode(headers.payload);
    assert.deepEqual(fields.filter(([name]) => name.startsWith('echo-')), [['echo-b', 'c']]);
    client[Symbol.dispose]();
    await daemon.stop();
    assert.doesNotMatch(daemon.log.text, /hidden/);
  });
}
