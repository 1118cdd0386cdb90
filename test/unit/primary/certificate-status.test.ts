import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readCertificates, type TlsMaterial } from '#src/config/certificates.js';
import { certificateProblems, describeCertificate, nextAuthorityEnd } from '#src/primary/certificate-status.js';
import { testCertificate, writeTestPair } from '../../support/certificates.js';
import { TempDir } from '../../support/temp-dir.js';

const DAY = 86_400_000;

let dir: TempDir;
let material: TlsMaterial;
/** Whose own certificate outlives the intermediate authority's. */
let chained: TlsMaterial;
before(async () => {
  dir = new TempDir();
  const server = { key: 'leaf', commonName: 'shop', purpose: 'server', hosts: ['localhost'] } as const;
  const root = await testCertificate({ key: 'ca', commonName: 'root', purpose: 'authority', days: [-1, 1] });
  const between = await testCertificate({ key: 'between', commonName: 'between', purpose: 'authority', issuer: root, days: [-1, 20] });
  const read = ({ certificate, key }: { certificate: string; key: string }): TlsMaterial => {
    const certificates = { serverCertificate: { path: certificate }, serverCertificateKey: { path: key }, rootCertificate: null };
    const found = readCertificates({ authentication: 'ssl', clientAuthentication: 'none', certificates }, new Date());
    assert.ok(found);
    return found;
  };
  material = read(writeTestPair(dir.path, 'plain', await testCertificate({ ...server, days: [-1, 60] })));
  chained = read(writeTestPair(dir.path, 'chained', await testCertificate({ ...server, issuer: between }), [between, root]));
});
after(() => dir[Symbol.dispose]());

const daysBefore = (days: number, { validUntil } = material): Date => new Date(validUntil.getTime() - days * DAY);

test('status names the certificate, and warns below 30 days and when it has expired', () => {
  const { validUntil, facts } = material;
  const end = validUntil.toISOString().replace('.000', '');
  assert.deepEqual(describeCertificate(material, daysBefore(30)), {
    subject: 'CN=shop', fingerprint: facts.fingerprint256, expiresAt: validUntil.getTime(), warning: '',
  });
  assert.deepEqual(
    [29.9, 1.5, 0.5, -0.5].map((days) => describeCertificate(material, daysBefore(days)).warning),
    [`expires on ${end}, in 29 days`, `expires on ${end}, in 1 day`, `expires on ${end}, in 0 days`, `expired on ${end}`],
  );
});

test('a certificate that has expired, or whose files are no good, keeps the daemon from being healthy; one that will expire does not', () => {
  assert.deepEqual(certificateProblems(material, null, daysBefore(0.01)), []);
  assert.match(certificateProblems(material, null, daysBefore(-0.01)).join(), /^The certificate CN=shop expired on .*; clients refuse it$/);
  assert.deepEqual(certificateProblems(material, 'It is empty.', daysBefore(40)), ['The certificate files are not in use: It is empty.']);
});

test('a chain ends with the first of its certificates that clients look at, which a root is not', () => {
  const days = (chained.validUntil.getTime() - Date.now()) / DAY;
  assert.ok(days > 19 && days < 20.1, `${days} days`);
});

test('of several authorities the next that ends counts, and all that have ended are a problem', () => {
  const end = (days: number) => ({ name: `CN=${days}`, fingerprint256: String(days), validUntil: new Date(Date.now() + days * DAY) });
  const trusting = (...days: number[]) => ({ ...material, authorityEnds: days.map(end) });
  const next = (...days: number[]): number | null => {
    const found = nextAuthorityEnd(trusting(...days), new Date());
    return found === null ? null : Math.round((found.getTime() - Date.now()) / DAY);
  };
  assert.deepEqual([next(), next(9, 5, 7), next(-1, 5, 7), next(-3, -1, -2)], [null, 5, 5, -1]);
  assert.deepEqual(certificateProblems(trusting(-1, 5), null, new Date()), []);
  assert.match(certificateProblems(trusting(-1, -5), null, new Date()).join(), /^Every authority of rootCertificate has expired/);
});
