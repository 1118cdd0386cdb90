import { generateKeyPairSync } from 'node:crypto';
import { issueCertificate, type IssuedCertificate, type KeyPair } from '#src/cli/issue-certificate.js';
import type { UserConfig } from '#src/config/options.js';
import type { ClientTls } from './calls.js';
import { TempDir } from './temp-dir.js';

/** Paths of two PEM files. */
export interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

const HOUR = 3_600_000;

/** Common name of the client certificate. */
export const CLIENT_NAME = 'alice';

/** Certificates of one test file: an authority with a server and a client, and some that are no good. */
export class TestCertificates implements Disposable {
  readonly ca: string;
  readonly server: PairFiles;
  readonly client: PairFiles;
  /** A client that an authority unknown to the server vouches for. */
  readonly stranger: PairFiles;
  readonly expired: PairFiles;
  readonly #dir = new TempDir();

  /** Takes about half a second: two RSA keys. */
  static async make(): Promise<TestCertificates> {
    const authorityKey = rsa();
    const key = rsa();
    const [from, to] = [new Date(Date.now() - HOUR), new Date(Date.now() + HOUR)];
    const authority = (commonName: string) =>
      issueCertificate({ commonName, purpose: 'authority', notBefore: from, notAfter: to, pair: authorityKey, issuer: null });
    const [ca, otherCa] = [await authority('test authority'), await authority('another authority')];
    const hosts = ['localhost', '127.0.0.1', '::1'];
    return new TestCertificates({
      ca,
      server: await issueCertificate({ commonName: 'localhost', purpose: 'server', hosts, notBefore: from, notAfter: to, pair: key, issuer: ca }),
      expired: await issueCertificate({ commonName: 'localhost', purpose: 'server', hosts, notBefore: new Date(from.getTime() - HOUR), notAfter: from, pair: key, issuer: ca }),
      client: await issueCertificate({ commonName: CLIENT_NAME, purpose: 'client', notBefore: from, notAfter: to, pair: key, issuer: ca }),
      stranger: await issueCertificate({ commonName: 'mallory', purpose: 'client', notBefore: from, notAfter: to, pair: key, issuer: otherCa }),
    });
  }

  private constructor(issued: Record<'ca' | 'server' | 'expired' | 'client' | 'stranger', IssuedCertificate>) {
    const write = (name: keyof typeof issued): PairFiles => ({
      cert: this.#dir.write(`${name}.crt`, issued[name].pem),
      key: this.#dir.write(`${name}.key`, issued[name].pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600),
    });
    this.ca = write('ca').cert;
    this.server = write('server');
    this.client = write('client');
    this.stranger = write('stranger');
    this.expired = write('expired');
  }

  /** Settings for a server with TLS. */
  get tls() {
    return { authentication: 'ssl', certificates: { serverCertificate: this.server.cert, serverCertificateKey: this.server.key } } as const satisfies UserConfig;
  }

  /** Settings for a server that looks at client certificates. */
  mutualTls(clientAuthentication: 'request' | 'require') {
    const { authentication, certificates } = this.tls;
    return { authentication, certificates: { ...certificates, rootCertificate: this.ca }, clientAuthentication } as const satisfies UserConfig;
  }

  /** For a client without a certificate, or with one. */
  clientTls(pair?: PairFiles): ClientTls {
    return { ca: this.ca, ...pair };
  }

  [Symbol.dispose](): void {
    this.#dir[Symbol.dispose]();
  }
}

function rsa(): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}
