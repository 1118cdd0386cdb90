import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCertificate, type CertificateOrder, type IssuedCertificate, type KeyPair } from '#src/cli/issue-certificate.js';
import { asFiles } from '#src/cli/make-certificates.js';
import { writeNewFiles } from '#src/cli/write-new-files.js';

/** Paths of a certificate and its key, and what they hold. */
export interface TestPair {
  readonly certificate: string;
  readonly key: string;
  readonly pem: { readonly certificate: string; readonly key: string };
}

const DAY = 86_400_000;
const HOSTS = ['localhost', '127.0.0.1', '::1'];

const pairs = new Map<string, KeyPair>();

/** A key pair per name; made once per process, for that is what takes time. */
export function testKeyPair(name: string): KeyPair {
  const pair = pairs.get(name) ?? generateKeyPairSync('rsa', { modulusLength: 2048 });
  pairs.set(name, pair);
  return pair;
}

type TestOrder = Pick<CertificateOrder, 'commonName' | 'purpose'> &
  Partial<Pick<CertificateOrder, 'hosts' | 'issuer'>> & {
    /** Whose key pair it gets (`testKeyPair`). */
    readonly key: string;
    /** Valid from and to, in days from now. */
    readonly days?: readonly [number, number];
  };

/** A certificate of any kind, for a test that needs one of its own. */
export function testCertificate({ key, days: [from, to] = [-1, 90], issuer = null, ...order }: TestOrder): Promise<IssuedCertificate> {
  const [notBefore, notAfter] = [new Date(Date.now() + from * DAY), new Date(Date.now() + to * DAY)];
  return issueCertificate({ ...order, issuer, notBefore, notAfter, pair: testKeyPair(key) });
}

/** Writes NAME.crt (with the certificates of `chain` after its own) and NAME.key to the folder. */
export function writeTestPair(folder: string, name: string, issued: IssuedCertificate, chain: readonly IssuedCertificate[] = []): TestPair {
  const files = asFiles(name, { ...issued, pem: [issued, ...chain].map(({ pem }) => pem).join('') });
  writeNewFiles(folder, files, { replace: true });
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  return { certificate, key, pem: { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') } };
}

export type TestCertificates = Awaited<ReturnType<typeof makeTestCertificates>>;

/**
 * Everything a test of TLS needs, written to a folder: paths and PEM of each pair. Servers are good for localhost,
 * 127.0.0.1 and ::1. About half a second for the first set of a process, 50 ms for each further one.
 */
export async function makeTestCertificates(folder: string) {
  mkdirSync(folder, { recursive: true });
  const authority = await testCertificate({ key: 'ca', commonName: 'Test CA', purpose: 'authority' });
  const otherAuthority = await testCertificate({ key: 'other', commonName: 'Other CA', purpose: 'authority' });
  const between = await testCertificate({ key: 'between', commonName: 'Test intermediate CA', purpose: 'authority', issuer: authority });
  const server = (order: Omit<TestOrder, 'commonName' | 'purpose' | 'key'>) =>
    testCertificate({ key: 'leaf', commonName: 'localhost', purpose: 'server', hosts: HOSTS, issuer: authority, ...order });
  const client = (order: Partial<TestOrder>) =>
    testCertificate({ key: 'client', commonName: 'client', purpose: 'client', issuer: authority, ...order });
  const plain = await server({});
  const below = await server({ issuer: between });
  const write = (name: string, issued: IssuedCertificate, chain?: IssuedCertificate[]) => writeTestPair(folder, name, issued, chain);
  return {
    ca: write('ca', authority),
    server: write('server', plain),
    client: write('client', await client({})),

    otherCa: write('other-ca', otherAuthority),
    /** Of the other authority. */
    otherServer: write('other-server', await server({ issuer: otherAuthority })),
    otherClient: write('other-client', await client({ issuer: otherAuthority })),

    expiredServer: write('expired-server', await server({ days: [-10, -1] })),
    notYetValidServer: write('not-yet-valid-server', await server({ days: [1, 10] })),
    expiredClient: write('expired-client', await client({ days: [-10, -1] })),

    /** A certificate, and the key of another. */
    mismatched: write('mismatched', { ...plain, pair: testKeyPair('other') }),

    /** Issued by an intermediate authority, whose certificate is in the same file. */
    chained: write('chained', below, [between]),
    /** The same without the intermediate. */
    unchained: write('unchained', below),
    /** The same with the intermediate before the server's own. */
    wrongOrder: write('wrong-order', { ...between, pair: below.pair }, [below]),
    intermediateCa: write('intermediate-ca', between),
    /** A client of the intermediate authority. */
    chainedClient: write('chained-client', await client({ issuer: between }), [between]),
  } as const;
}
