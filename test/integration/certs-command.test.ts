import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkServerIdentity } from 'node:tls';
import { parse } from 'yaml';
import { certsCommand } from '#src/cli/commands/certs.js';
import { readCertificates } from '#src/config/certificates.js';
import { DaemonError } from '#src/shared/errors.js';

const OPENSSL = process.env.CI !== undefined || spawnSync('openssl', ['version']).status === 0;
const FILES = ['ca.crt', 'ca.key', 'client.crt', 'client.key', 'server.crt', 'server.key'];
const DAY = 86_400_000;

const folder = mkdtempSync(join(tmpdir(), 'certs-command-'));
after(() => rmSync(folder, { recursive: true }));

/** The command alone: what it prints, and the error it ends with. */
const SCRIPT = `
  const { certsCommand } = await import(${JSON.stringify(import.meta.resolve('#src/cli/commands/certs.js'))});
  try {
    await certsCommand().parseAsync(process.argv.slice(1), { from: 'user' });
  } catch (error) {
    console.error([error.code, error.message, error.hint].join('\\n'));
    process.exitCode = error.exitCode;
  }`;

function certs(args: readonly string[], shell = 'exec "$0" "$@"') {
  const command = ['-c', shell, process.execPath, '--input-type=module', '-e', SCRIPT, '--', ...args];
  const { status, stdout, stderr } = spawnSync('sh', command, { encoding: 'utf8', timeout: 30_000 });
  return { status, stdout, stderr };
}

const list = (path: string): string[] => readdirSync(path).sort();
const contents = (path: string): string[] => list(path).map((name) => readFileSync(join(path, name), 'utf8'));
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('the set', () => {
  const made = join(folder, 'new', 'dev set');
  const names = ['api.test', '*.wild.test', '10.1.2.3', '::ffff:10.1.2.4', 'bücher.test'];
  let output: ReturnType<typeof certs>;
  const certificate = (name: string): X509Certificate => new X509Certificate(readFileSync(join(made, `${name}.crt`)));

  before(() => {
    output = certs([made, '--client', 'Zoë', '--days', '40', ...names.flatMap((name) => ['--host', name])], 'umask 022; exec "$0" "$@"');
    assert.deepEqual([output.status, output.stderr], [0, '']);
  });

  it('is six files; nobody else reads the keys, nor enters a folder that was made for them', () => {
    assert.deepEqual(list(made), FILES);
    assert.deepEqual([modeOf(made), modeOf(join(folder, 'new'))], [0o700, 0o700]);
    for (const name of FILES) assert.equal(modeOf(join(made, name)), name.endsWith('.key') ? 0o600 : 0o644, name);
  });

  it('says what it is for, and works with the lines that it prints for the config', () => {
    assert.match(output.stdout, /These are for development only/);
    const lines = output.stdout.slice(output.stdout.indexOf('  authentication:')).split('\n').filter((line) => line.startsWith('  '));
    const config = parse(lines.join('\n')) as Record<string, unknown> & { certificates: Record<string, string> };
    const { serverCertificate, serverCertificateKey, rootCertificate } = config.certificates;
    assert.deepEqual([config.authentication, config.clientAuthentication], ['ssl', 'none']);
    assert.ok(serverCertificate && serverCertificateKey && rootCertificate);
    const material = readCertificates(
      {
        authentication: 'ssl',
        clientAuthentication: 'require',
        allowWorldReadableKeys: false,
        certificates: {
          serverCertificate: { path: serverCertificate },
          serverCertificateKey: { path: serverCertificateKey },
          rootCertificate: { path: rootCertificate },
        },
      },
      new Date(),
    );
    assert.deepEqual(material?.warnings, []);
  });

  it('has a server that goes by its usual names and by those given', () => {
    const server = certificate('server').toLegacyObject();
    const dialled = ['localhost', '127.0.0.1', '::1', 'api.test', 'any.wild.test', '10.1.2.3', '::ffff:10.1.2.4', 'xn--bcher-kva.test'];
    for (const host of dialled) assert.equal(checkServerIdentity(host, server), undefined, host);
    assert.ok(checkServerIdentity('other.test', server) instanceof Error);
  });

  it('has a client of the name given', () => {
    assert.equal(certificate('client').subject, 'CN=Zoë');
    assert.deepEqual([certificate('client').keyUsage, certificate('server').keyUsage], [['1.3.6.1.5.5.7.3.2'], ['1.3.6.1.5.5.7.3.1']]);
  });

  it('is signed by an authority whose name no other set has', () => {
    const authority = certificate('ca');
    assert.ok(authority.ca);
    for (const name of ['server', 'client']) {
      assert.ok(certificate(name).checkIssued(authority) && certificate(name).verify(authority.publicKey));
      assert.ok(!certificate(name).ca);
    }
    assert.match(authority.subject, /^CN=grpcserverd development CA [0-9a-f]{8}$/);
  });

  it('is valid for the days given, the authority too', () => {
    for (const name of ['ca', 'server', 'client']) {
      const left = (Date.parse(certificate(name).validTo) - Date.now()) / DAY;
      assert.ok(left > 39.9 && left <= 40, `${name}: ${left}`);
    }
  });

  it('has positive serial numbers of 16 octets, each another', () => {
    const serials = ['ca', 'server', 'client'].map((name) => certificate(name).serialNumber);
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
    assert.equal(new Set(serials).size, 3);
  });

  it('stands the strict checks of openssl', { skip: OPENSSL ? false : 'needs openssl' }, () => {
    const verify = (purpose: string, name: string): string =>
      execFileSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', 'ca.crt', name], { cwd: made, encoding: 'utf8' });
    assert.equal(verify('sslserver', 'server.crt'), 'server.crt: OK\n');
    assert.equal(verify('sslclient', 'client.crt'), 'client.crt: OK\n');
    const text = execFileSync('openssl', ['x509', '-noout', '-text', '-in', 'server.crt'], { cwd: made, encoding: 'utf8' });
    assert.match(text, /Basic Constraints: critical\s+CA:FALSE[^]*Key Usage: critical\s+Digital Signature, Key Encipherment/);
    assert.match(text, /Subject Key Identifier:[^]*Authority Key Identifier:/);
  });

  it('is made for the usual names alone, for 90 days, when nothing else is said; as JSON on demand', () => {
    const plain = join(folder, 'plain');
    const { status, stdout } = certs([plain, '--json']);
    assert.equal(status, 0);
    const { hosts, notAfter, ...rest } = JSON.parse(stdout) as { hosts: string[]; notAfter: string };
    assert.deepEqual(rest, { folder: plain, files: ['ca.crt', 'ca.key', 'server.crt', 'server.key', 'client.crt', 'client.key'], client: 'client' });
    assert.deepEqual(hosts.slice(0, 3), ['localhost', '127.0.0.1', '::1']);
    assert.equal(Math.ceil((Date.parse(notAfter) - Date.now()) / DAY), 90);
  });
});

describe('files that are there', () => {
  it('are never written over, and then nothing is written at all', () => {
    const taken = join(folder, 'taken');
    mkdirSync(taken);
    writeFileSync(join(taken, 'client.key'), 'mine');
    const { status, stderr, stdout } = certs([taken]);
    assert.deepEqual([status, stdout], [73, '']);
    assert.match(stderr, /^E_FILE_EXISTS\nNothing was written, because this exists already: \S+\/taken\/client\.key\.\n.*--force/);
    assert.deepEqual(contents(taken), ['mine']);
  });

  it('are all replaced with --force, a key that was open to others included', () => {
    const replaced = join(folder, 'replaced');
    mkdirSync(replaced);
    for (const name of FILES) writeFileSync(join(replaced, name), 'old', { mode: 0o644 });
    assert.equal(certs([replaced, '--force']).status, 0);
    assert.deepEqual(list(replaced), FILES);
    assert.ok(contents(replaced).every((text) => text.startsWith('-----BEGIN ')));
    assert.equal(modeOf(join(replaced, 'server.key')), 0o600);
  });

  it('are not replaced when they are folders', () => {
    const odd = join(folder, 'odd');
    mkdirSync(join(odd, 'server.key'), { recursive: true });
    assert.equal(certs([odd, '--force']).status, 73);
    assert.deepEqual(list(odd), ['server.key']);
  });
});

describe('a disk that is full', () => {
  // The limit lies between the sizes of a certificate and a key: the first file goes through, the second does not.
  const FULL = 'ulimit -f 3; exec "$0" "$@"';

  it('leaves no file behind, nor a folder that was made', () => {
    const { status, stderr } = certs([join(folder, 'full', 'deep')], FULL);
    assert.equal(status, 73);
    assert.match(stderr, /^E_FILE_EXISTS\n\S+\/full\/deep cannot be written: EFBIG/);
    assert.ok(!existsSync(join(folder, 'full')));
  });

  it('leaves the files that --force would have replaced', () => {
    const kept = join(folder, 'kept');
    assert.equal(certs([kept]).status, 0);
    const before = contents(kept);
    assert.equal(certs([kept, '--force'], FULL).status, 73);
    assert.deepEqual(list(kept), FILES);
    assert.deepEqual(contents(kept), before);
  });
});

describe('what does not fit', () => {
  /** In this process: nothing is printed, and no key is made. */
  const refusal = (args: readonly string[]): Promise<unknown> =>
    certsCommand().parseAsync([...args], { from: 'user' }).then(
      () => assert.fail(`${args.join(' ')} was accepted`),
      (error: unknown) => error,
    );

  it('is refused before anything is written', async () => {
    const unborn = join(folder, 'unborn');
    for (const args of [
      ['--days', '0'], ['--days', '1.5'], ['--days', '3651'], ['--days', 'ten'],
      ['--host', 'a b'], ['--host', ''], ['--host', 'fe80::1%eth0'], ['--host', 'x.*.test'],
      ['--client', ''], ['--client', 'a\nb'], ['--client', 'x'.repeat(65)],
    ] as const) {
      const error = await refusal([unborn, ...args]);
      assert.ok(error instanceof DaemonError && error.exitCode === 64, String(error));
      assert.ok(error.message.startsWith(args[0]), error.message);
    }
    assert.ok(!existsSync(unborn));
  });

  it('is refused as a folder: a file, a place of the system', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const place of [file, join(file, 'below'), '/proc/nowhere']) {
      const error = await refusal([place]);
      assert.ok(error instanceof DaemonError && error.exitCode === 73, String(error));
      assert.match(error.message, new RegExp(`^${place} cannot be written: E`));
    }
  });
});
