import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import forge from 'node-forge';
import { readCertificates } from '#src/config/certificates.js';
import type { CertificateSource } from '#src/config/option-values.js';
import { DaemonError } from '#src/shared/errors.js';
import { makeTestCertificates, testCertificate, testKeyPair, writeTestPair, type TestCertificates } from '../support/certificates.js';

type Settings = Parameters<typeof readCertificates>[0];
type Files = Partial<Record<keyof Settings['certificates'], string | CertificateSource | null>>;

const OPENSSL = process.env.CI !== undefined || spawnSync('openssl', ['version']).status === 0;

const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
let set: TestCertificates;

before(async () => {
  // Others must be able to come in, for the tests of rights.
  chmodSync(folder, 0o755);
  set = await makeTestCertificates(folder);
});
after(() => rmSync(folder, { recursive: true }));

const source = (file: string | CertificateSource | null): CertificateSource | null => (typeof file === 'string' ? { path: file } : file);

function read(files: Files = {}, settings: Partial<Settings> = {}, now = new Date()) {
  return readCertificates(
    {
      authentication: 'ssl',
      clientAuthentication: 'none',
      allowWorldReadableKeys: false,
      certificates: {
        serverCertificate: source(files.serverCertificate === undefined ? set.server.certificate : files.serverCertificate),
        serverCertificateKey: source(files.serverCertificateKey === undefined ? set.server.key : files.serverCertificateKey),
        rootCertificate: source(files.rootCertificate ?? null),
      },
      ...settings,
    },
    now,
  );
}

/** The error of a reading that must fail: one for people, without anything of a key in it. */
function refusal(...args: Parameters<typeof read>): DaemonError {
  try {
    read(...args);
  } catch (error) {
    assert.ok(error instanceof DaemonError, String(error));
    assert.equal(error.code, 'E_CERTIFICATE');
    const told = JSON.stringify(error.toData()) + String(error.cause);
    for (const { privateKey } of ['ca', 'leaf', 'other'].map(testKeyPair)) {
      const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().split('\n').slice(1, -2);
      for (const line of secret) assert.ok(!told.includes(line.slice(0, 16)), 'the message holds a piece of a key');
    }
    return error;
  }
  assert.fail('the certificates were accepted');
}

function refuses(files: Files, ...patterns: RegExp[]): void {
  const { message, hint } = refusal(files);
  for (const pattern of patterns) assert.match(`${message}\n${hint}`, pattern);
}

const warnings = (...args: Parameters<typeof read>): readonly string[] => read(...args)?.warnings ?? assert.fail('TLS is off');

function file(name: string, content: string | Buffer, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** A certificate changed in a way that the product's own issuing does not know, signed anew by the key of that name. */
function altered(pem: string, signer: string, change: (certificate: forge.pki.Certificate) => void): string {
  const certificate = forge.pki.certificateFromPem(pem);
  change(certificate);
  const key = testKeyPair(signer).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  certificate.sign(forge.pki.privateKeyFromPem(key), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

/** Runs as a user who may not read everything: the tests may well run as root, who may. */
function asOrdinaryUser<T>(run: () => T): T {
  if (process.geteuid?.() !== 0) return run();
  process.seteuid?.(65_534);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
  }
}

describe('what is read', () => {
  it('is nothing while authentication is off', () => {
    assert.equal(read({ serverCertificate: '/nowhere' }, { authentication: null }), null);
  });

  it('is the chain, the key and the authorities, with facts for people and no warning', () => {
    const material = read({ rootCertificate: set.ca.certificate });
    assert.deepEqual(material?.pem, { certificate: set.server.pem.certificate, key: set.server.pem.key, authorities: set.ca.pem.certificate });
    const { notBefore, notAfter, ...facts } = material.facts;
    assert.deepEqual(facts, {
      subject: 'CN=localhost',
      issuer: 'CN=Test CA',
      altNames: ['localhost', '127.0.0.1', '::1'],
      fingerprint256: new X509Certificate(set.server.pem.certificate).fingerprint256,
      authorities: ['CN=Test CA'],
    });
    assert.equal(Math.round((notAfter.getTime() - notBefore.getTime()) / 86_400_000), 91);
    assert.deepEqual(material.warnings, []);
  });

  it('may be PEM text in the config', () => {
    const { certificate, key } = set.server.pem;
    assert.deepEqual(read({ serverCertificate: { pem: certificate }, serverCertificateKey: { pem: key } })?.pem, {
      certificate, key, authorities: null,
    });
  });

  it('may be one file with certificate, key, remarks and a byte order mark, with the line ends of Windows', () => {
    const text = `\uFEFFsubject=localhost\n${set.server.pem.key}and\n${set.server.pem.certificate}`;
    const both = file('both.pem', text.replaceAll('\n', '\r\n'));
    const material = read({ serverCertificate: both, serverCertificateKey: both });
    assert.deepEqual(material?.pem, { certificate: set.server.pem.certificate, key: set.server.pem.key, authorities: null });
  });

  it('may be of other kinds than RSA, and signed by itself', { skip: OPENSSL ? false : 'needs openssl' }, () => {
    for (const kind of [['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], ['ed25519']]) {
      const [certificate, key] = [join(folder, 'own.crt'), join(folder, 'own.key')];
      const names = ['-subj', '/CN=own', '-addext', 'subjectAltName=DNS:localhost'];
      execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '60', ...names, '-keyout', key, '-out', certificate, '-newkey', ...kind], { stdio: 'pipe' });
      chmodSync(key, 0o600);
      assert.deepEqual(warnings({ serverCertificate: certificate, serverCertificateKey: key }), []);
      refuses({ serverCertificateKey: key }, /does not match/);
    }
  });

  it('may be a key with the parameters of its curve before it', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    const pem = `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${key}`;
    // It was understood when all there is to say is that it is another one's.
    refuses({ serverCertificateKey: { pem } }, /does not match .*serverCertificateKey \(PEM text in the config\)/);
  });

  it('tells names that need care as they are', async () => {
    const odd = await testCertificate({ key: 'leaf', commonName: 'a\nb, c="é"', purpose: 'server', hosts: ['a, DNS:b', 'x.test'] });
    const { certificate, key } = writeTestPair(folder, 'odd', odd);
    const { subject, altNames } = read({ serverCertificate: certificate, serverCertificateKey: key })?.facts ?? {};
    assert.deepEqual([subject, altNames], ['CN=a\\0Ab\\, c=\\"é\\"', ['a, DNS:b', 'x.test']]);
  });
});

describe('a setting', () => {
  it('that TLS cannot do without is demanded', () => {
    refuses({ serverCertificate: null }, /^certificates\.serverCertificate is not set, and authentication "ssl" needs it/);
    refuses({ serverCertificateKey: null }, /^certificates\.serverCertificateKey is not set/);
    const { message } = refusal({}, { clientAuthentication: 'request' });
    assert.match(message, /^certificates\.rootCertificate is not set, and clientAuthentication "request" needs it/);
  });
});

describe('a file', () => {
  const all = ['serverCertificate', 'serverCertificateKey', 'rootCertificate'] as const;
  for (const key of all) {
    it(`of ${key} that is missing, a folder, no file, a loop of links, empty or not PEM is refused by name`, () => {
      const loop = join(folder, `loop-${key}`);
      symlinkSync(loop, loop);
      const cases: readonly [string, RegExp][] = [
        [join(folder, 'nowhere.pem'), /nowhere\.pem does not exist/],
        [folder, / is a folder, not a file/],
        ['/dev/zero', /\/dev\/zero is not a regular file/],
        [loop, /cannot be read \(ELOOP\)/],
        [file('empty.pem', ' \n'), /empty\.pem is empty/],
        [file('text.pem', 'hello\n'), /text\.pem is not PEM/],
        [file('certificate.der', new X509Certificate(set.server.pem.certificate).raw), /certificate\.der is not PEM.*\n.*openssl x509 -inform der/],
      ];
      for (const [path, pattern] of cases) refuses({ [key]: path }, new RegExp(`^certificates\\.${key}: ${path} `), pattern);
    });
  }

  it('that this user may not read is refused with its mode, its owner and who this user is', () => {
    const path = file('locked.key', set.server.pem.key, 0o000);
    const user = asOrdinaryUser(() => process.geteuid?.());
    const error = asOrdinaryUser(() => refusal({ serverCertificateKey: path }));
    assert.match(error.message, new RegExp(`^certificates\\.serverCertificateKey: ${path} cannot be read by this user, .*uid ${user}\\b`));
    assert.match(error.message, new RegExp(`The file has mode 0000, owner uid ${process.getuid?.()}, gid`));
  });

  it('in a folder that this user may not enter is refused with that folder, also through a link', () => {
    const closed = join(folder, 'closed');
    const link = join(folder, 'link.key');
    mkdirSync(join(closed, 'deep'), { recursive: true });
    writeFileSync(join(closed, 'deep', 'server.key'), set.server.pem.key);
    symlinkSync('closed/deep/server.key', link);
    chmodSync(closed, 0o600);
    try {
      for (const path of [join(closed, 'deep', 'server.key'), link]) {
        const { message } = asOrdinaryUser(() => refusal({ serverCertificateKey: path }));
        assert.match(message, new RegExp(`${path} cannot be read by this user, .*Its folder ${closed} has mode 0600, owner uid ${process.getuid?.()},`));
      }
    } finally {
      chmodSync(closed, 0o700);
    }
  });

  it('that was cut short is refused, also when a whole certificate stands before the cut', () => {
    refuses({ serverCertificate: file('cut.crt', set.server.pem.certificate.slice(0, -40)) }, /of 1 PEM blocks 0 are whole/);
    refuses({ serverCertificate: file('cut2.crt', set.chained.pem.certificate.slice(0, -40)) }, /of 2 PEM blocks 1 are whole/);
  });

  it('with a block that cannot be decoded is refused', () => {
    const garbled = (label: string): string => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;
    refuses({ serverCertificate: file('garbled.crt', set.server.pem.certificate + garbled('CERTIFICATE')) }, /certificate number 2 cannot be decoded: wrong tag/);
    refuses({ serverCertificateKey: file('garbled.key', garbled('PRIVATE KEY')) }, /the key \(PRIVATE KEY\) cannot be decoded: unsupported/);
    refuses({ serverCertificateKey: file('ssh.key', garbled('OPENSSH PRIVATE KEY')) }, /OPENSSH/, /TLS needs PKCS #8/);
  });

  it('of the wrong kind is refused with what it holds', () => {
    refuses({ serverCertificate: set.server.key }, /serverCertificate: .*server\.key must hold a certificate, but holds: PRIVATE KEY/, /wrong way round/);
    refuses({ serverCertificateKey: set.server.certificate }, /server\.crt must hold a private key, but holds: CERTIFICATE/, /wrong way round/);
    refuses({ rootCertificate: set.ca.key }, /rootCertificate: .*ca\.key must hold a certificate, but holds: PRIVATE KEY/);
    const request = file('server.csr', set.server.pem.certificate.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'));
    refuses({ serverCertificate: request }, /holds: CERTIFICATE REQUEST/, /when an authority signs it/);
    const publicKey = file('public.key', testKeyPair('leaf').publicKey.export({ type: 'spki', format: 'pem' }).toString());
    refuses({ serverCertificateKey: publicKey }, /must hold a private key, but holds: PUBLIC KEY/);
  });

  it('with an encrypted key is refused, in both forms of encryption', () => {
    const { privateKey } = testKeyPair('leaf');
    const secret = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
    for (const type of ['pkcs8', 'pkcs1'] as const) {
      const path = file(`encrypted-${type}.key`, privateKey.export({ type, ...secret }).toString());
      refuses({ serverCertificateKey: path }, /encrypted-pkcs\d\.key is encrypted; grpcserverd takes no passphrase/, /openssl pkey/);
    }
  });
});

describe('a pair', () => {
  it('that does not match is refused with the names of both files', () => {
    const { certificate, key } = set.mismatched;
    refuses({ serverCertificate: certificate, serverCertificateKey: key },
      /^The key does not match the certificate "CN=localhost": certificates\.serverCertificateKey: .*mismatched\.key; certificates\.serverCertificate: .*mismatched\.crt/);
  });

  it('that OpenSSL finds too weak is refused', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 512 });
    const weak = await testCertificate({ key: 'leaf', commonName: 'localhost', purpose: 'server', hosts: ['localhost'] });
    const pem = altered(weak.pem, 'leaf', (certificate) => {
      certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey.export({ type: 'spki', format: 'pem' }).toString());
    });
    const { certificate, key } = writeTestPair(folder, 'weak', { pem, pair });
    refuses({ serverCertificate: certificate, serverCertificateKey: key }, /weak\.crt and its key are refused by OpenSSL: ee key too small/);
  });
});

describe('dates', () => {
  const pairOf = ({ certificate, key }: { certificate: string; key: string }): Files => ({ serverCertificate: certificate, serverCertificateKey: key });

  it('that are over or not yet there are refused with both dates', () => {
    const date = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
    refuses(pairOf(set.expiredServer), new RegExp(`expired-server\\.crt: "CN=localhost" expired on ${date}, and it is ${date}`));
    refuses(pairOf(set.notYetValidServer), new RegExp(`"CN=localhost" is not valid before ${date}, and it is ${date}`), /set the clock/);
  });

  it('count for the intermediate certificates too, but not for a root that comes along', async () => {
    const root = await testCertificate({ key: 'ca', commonName: 'Old CA', purpose: 'authority', days: [-10, -1] });
    const between = await testCertificate({ key: 'between', commonName: 'Old intermediate CA', purpose: 'authority', issuer: root, days: [-10, -1] });
    const leafOf = (issuer: typeof root) =>
      testCertificate({ key: 'leaf', commonName: 'localhost', purpose: 'server', hosts: ['localhost'], issuer });
    refuses(pairOf(writeTestPair(folder, 'below-old', await leafOf(between), [between])), /"CN=Old intermediate CA" expired on/);
    assert.deepEqual(warnings(pairOf(writeTestPair(folder, 'with-old-root', await leafOf(root), [root]))), []);
  });

  it('less than 30 days away are a warning', () => {
    const { notAfter } = read()?.facts ?? assert.fail();
    const before = (days: number): Date => new Date(notAfter.getTime() - days * 86_400_000);
    assert.deepEqual(warnings({}, {}, before(30)), []);
    assert.match(warnings({}, {}, before(29.5)).join(), /server\.crt: "CN=localhost" expires on .*Z, in 29 days\.$/);
    assert.match(warnings({}, {}, before(1)).join(), /in 1 day\.$/);
  });
});

describe('a chain', () => {
  it('of leaf and intermediate is taken with or without its root', () => {
    const { key, pem } = set.chained;
    assert.deepEqual(warnings({ serverCertificate: set.chained.certificate, serverCertificateKey: key }), []);
    const whole = file('whole.crt', pem.certificate + set.ca.pem.certificate);
    assert.deepEqual(warnings({ serverCertificate: whole, serverCertificateKey: key }), []);
  });

  it("whose first certificate is not the key's is out of order", () => {
    const { certificate, key } = set.wrongOrder;
    refuses({ serverCertificate: certificate, serverCertificateKey: key }, /wrong-order\.crt is out of order: the server's own certificate is number 2/);
  });

  it('whose further certificates are not in order is out of order', () => {
    const swapped = file('swapped.crt', set.unchained.pem.certificate + set.ca.pem.certificate + set.intermediateCa.pem.certificate);
    refuses({ serverCertificate: swapped, serverCertificateKey: set.unchained.key },
      /number 1, "CN=localhost", is followed by "CN=Test CA", which did not issue it; its issuer is number 3/);
  });

  it('with a gap or a stranger in it is broken', () => {
    const gap = file('gap.crt', set.unchained.pem.certificate + set.ca.pem.certificate);
    refuses({ serverCertificate: gap, serverCertificateKey: set.unchained.key }, /gap\.crt is a broken chain: number 1, "CN=localhost", is followed by "CN=Test CA"/);
    const twice = file('twice.crt', set.server.pem.certificate + set.server.pem.certificate);
    refuses({ serverCertificate: twice }, /broken chain/);
  });

  it('whose issuer has the right name and the wrong key is broken', async () => {
    const impostor = await testCertificate({ key: 'other', commonName: 'Test CA', purpose: 'authority' });
    const pem = altered(impostor.pem, 'other', (certificate) => certificate.setExtensions([{ name: 'basicConstraints', cA: true }]));
    refuses({ serverCertificate: file('impostor.crt', set.server.pem.certificate + pem) }, /broken chain/);
  });
});

describe('a key that everybody may read', () => {
  it('is refused, unless that is allowed', () => {
    const key = file('public.key', set.server.pem.key, 0o644);
    refuses({ serverCertificateKey: key }, /can be read by every user of this machine \(mode 0644\)/, /allowWorldReadableKeys: true/);
    assert.deepEqual(warnings({ serverCertificateKey: key }, { allowWorldReadableKeys: true }), []);
  });

  it('is fine below a folder that only its owner enters', () => {
    const closed = join(folder, 'private');
    mkdirSync(closed, { mode: 0o700 });
    assert.deepEqual(warnings({ serverCertificateKey: file('private/open.key', set.server.pem.key, 0o644) }), []);
  });
});

describe('a warning', () => {
  it('is given for a key that others may read', () => {
    const key = file('open.key', set.server.pem.key, 0o640);
    assert.deepEqual(warnings({ serverCertificateKey: key }), [
      `certificates.serverCertificateKey: ${key} can be read by other users (mode 0640); chmod 600 keeps it private.`,
    ]);
  });

  it('is given for a certificate without subjectAltName', async () => {
    const plain = await testCertificate({ key: 'leaf', commonName: 'localhost', purpose: 'server' });
    assert.match(warnings({ serverCertificate: writeTestPair(folder, 'no-names', plain).certificate }).join(), /"CN=localhost" has no subjectAltName/);
  });

  it('is given for a certificate that is not made for servers', () => {
    const [{ certificate, key }, wanted] = [set.client, /"CN=client" is not made for servers \(extendedKeyUsage lacks serverAuth\)/];
    assert.match(warnings({ serverCertificate: certificate, serverCertificateKey: key }).join(), wanted);
  });

  it('is given for a lone certificate that says where its intermediate can be had', () => {
    const { asn1 } = forge;
    // Tag 6 in a GeneralName is a URI; in forge's table of plain types 6 has another name.
    const uri = (text: string) => asn1.create(asn1.Class.CONTEXT_SPECIFIC, asn1.Type.OID, false, text);
    const sequence = (...values: forge.asn1.Asn1[]) => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, values);
    const oid = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer('1.3.6.1.5.5.7.48.2').getBytes());
    const access = { id: '1.3.6.1.5.5.7.1.1', value: sequence(sequence(oid, uri('http://ca.test/ca.crt'))) };
    const pem = altered(set.unchained.pem.certificate, 'between', (certificate) => certificate.setExtensions([...(certificate.extensions as unknown[]), access]));
    const files = { serverCertificateKey: set.unchained.key };
    assert.match(warnings({ ...files, serverCertificate: { pem } }).join(), /"CN=localhost" comes without the certificate of its issuer/);
    assert.deepEqual(warnings({ ...files, serverCertificate: { pem: pem + set.intermediateCa.pem.certificate } }), []);
  });
});

describe('rootCertificate', () => {
  it('must hold the certificate of an authority', () => {
    refuses({ rootCertificate: set.client.certificate }, /client\.crt holds no certificate of an authority, only that of "CN=client"/);
  });

  it('may hold an old root that does not call itself an authority', () => {
    const old = altered(set.ca.pem.certificate, 'ca', (certificate) => {
      certificate.version = 0;
      certificate.extensions = [];
    });
    assert.equal(new X509Certificate(old).ca, false);
    assert.deepEqual(warnings({ rootCertificate: { pem: old } }), []);
  });

  it('whose authorities are all over is refused; one among others is a warning', async () => {
    const old = await testCertificate({ key: 'other', commonName: 'Old CA', purpose: 'authority', days: [-10, -1] });
    const { certificate, pem } = writeTestPair(folder, 'old-ca', old);
    refuses({ rootCertificate: certificate }, /old-ca\.crt: "CN=Old CA" expired on/);
    assert.match(warnings({ rootCertificate: { pem: pem.certificate + set.ca.pem.certificate } }).join(), /"CN=Old CA" expired on/);
  });

  it('with something else among the authorities, or one without its root, is a warning', () => {
    const pem = set.ca.pem.certificate + set.client.pem.certificate;
    assert.match(warnings({ rootCertificate: { pem } }).join(), /"CN=client" is not an authority/);
    assert.match(warnings({ rootCertificate: set.intermediateCa.certificate }).join(), /"CN=Test intermediate CA" is there without its issuer/);
    assert.deepEqual(warnings({ rootCertificate: { pem: set.intermediateCa.pem.certificate + set.ca.pem.certificate } }), []);
  });
});
