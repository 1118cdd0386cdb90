// The unit files themselves, and what the service may and may not do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { ROOT } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { ADMIN_SOCKET, noSystemd, servicerInside, SOCKET, startService, Systemd, UNIT } from '../support/systemd.js';
import { TempDir } from '../support/temp-dir.js';

const skip = noSystemd;
/** Of 10; what systemd itself calls "OK" begins below 3. */
const MOST_EXPOSURE = 2;

test('systemd has nothing to say against the units', { skip }, async () => {
  await using systemd = await Systemd.start();
  assert.deepEqual(await systemd.run('systemd-analyze', 'verify', UNIT, SOCKET, ADMIN_SOCKET), { code: 0, stdout: '', stderr: '' });
});

test('the exposure of the service is small', { skip }, async () => {
  await using systemd = await Systemd.start();
  const { stdout } = await systemd.run('systemd-analyze', 'security', '--offline=true', '--no-pager', `${ROOT}systemd/grpcserverd@.service`);
  const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
  assert(exposure <= MOST_EXPOSURE, stdout);
});

const TLS: UserConfig = {
  authentication: 'ssl',
  certificates: { serverCertificate: '${CREDENTIALS_DIRECTORY}/server.crt', serverCertificateKey: '${CREDENTIALS_DIRECTORY}/server.key' },
  signature: true,
  signatureData: { 'x-key': { file: '${CREDENTIALS_DIRECTORY}/signature' } },
};

test('secrets that only root can read reach the daemon as credentials', { skip }, async () => {
  using certificates = await TestCertificates.make();
  using dir = new TempDir();
  const credentials = { 'server.crt': certificates.server.cert, 'server.key': certificates.server.key, signature: dir.write('signature', 'secret\n', 0o600) };
  const lines = Object.entries(credentials).map(([name, path]) => `LoadCredential=${name}:${path}\n`);
  await using systemd = await startService({ config: TLS, dropIns: { 'grpcserverd@.service': `[Service]\n${lines.join('')}` } });
  assert.doesNotMatch(systemd.log, /can be read by other users/);
  await using probe = new GrpcJsProbe(systemd.address, { ca: certificates.ca });
  assert.equal((await probe.call('Probe/Echo')).code, 'UNAUTHENTICATED');
  assert.equal((await probe.call('Probe/Echo', {}, { metadata: [['x-key', 'secret']] })).code, 'OK');
  // The command that reloads is given them too.
  await systemd.systemctl('reload', UNIT);
});

test('a credential that was not passed is named, with the line that the unit lacks, and no start is tried again', { skip }, async () => {
  using certificates = await TestCertificates.make();
  const dropIns = { 'grpcserverd@.service': `[Service]\nLoadCredential=server.crt:${certificates.server.cert}\n` };
  await using systemd = await Systemd.start({ config: TLS, dropIns });
  const { code } = await systemd.run('systemctl', 'start', UNIT);
  assert.notEqual(code, 0);
  assert.match(systemd.log, /certificates\.serverCertificateKey: \/run\/credentials\/\S+\/server\.key does not exist/);
  assert.match(systemd.log, /LoadCredential=server\.key:/);
  assert.equal(await systemd.show('ActiveState'), 'failed');
});

test('the service writes nowhere but where it may, as a user that is nobody', { skip }, async () => {
  // TypeScript is compiled into a cache, which it can do without.
  await using systemd = await startService({ config: { servicers: [servicerInside('probe.js'), servicerInside('typescript.ts')] } });
  const pid = await systemd.show('MainPID');
  const { stdout } = await systemd.run('cat', `/proc/${pid}/status`);
  assert.match(stdout, /^NoNewPrivs:\s+1$/m);
  assert.match(stdout, /^Seccomp:\s+2$/m);
  assert.match(stdout, /^CapEff:\s+0+$/m);
  assert.doesNotMatch(stdout, /^Uid:.*\b0\b/m);
  const { code, stderr } = await systemd.run('nsenter', '-t', pid, '-m', 'touch', '/etc/x', '/srv/grpcserverd/main/x', '/usr/x');
  assert.equal(code, 1);
  assert.equal(stderr.match(/Read-only file system/g)?.length, 3, stderr);
});
