import { createSecureContext } from 'node:tls';
import { DaemonError } from '../shared/errors.js';
import { checkAuthorities, findEnds } from './authority-checks.js';
import { checkChain, checkPair, findEnd } from './certificate-checks.js';
import { describeCertificate, type CertificateFacts } from './certificate-facts.js';
import type { CertificateSource } from './option-values.js';
import type { Config } from './options.js';
import { parseCertificates, parsePrivateKey, reasonOf } from './pem-contents.js';
import { formatMode, readPemSource } from './pem-source.js';

/** Until when a certificate is good. */
export interface CertificateEnd {
  /** For people. */
  readonly name: string;
  readonly fingerprint256: string;
  readonly validUntil: Date;
}

/** Everything that TLS needs, read and checked. */
export interface TlsMaterial {
  /** A secret, for the key is in it. The blocks that count, without the text around them. */
  readonly pem: {
    /** The server's chain, leaf first. */
    readonly certificate: string;
    readonly key: string;
    /** Null when rootCertificate is off. */
    readonly authorities: string | null;
  };
  /** For people: the server's certificate, and the subjects of rootCertificate. */
  readonly facts: CertificateFacts & { readonly authorities: readonly string[] };
  /** When the first certificate of the server's chain expires. */
  readonly validUntil: Date;
  /** Of those of rootCertificate that vouched for clients when it was read. */
  readonly authorityEnds: readonly CertificateEnd[];
  /** Sentences about what works now but probably is not meant, or will not work for long. */
  readonly warnings: readonly string[];
}

const CERTIFICATE = 'certificates.serverCertificate';
const KEY = 'certificates.serverCertificateKey';
const ROOT = 'certificates.rootCertificate';

/**
 * Reads the server's certificate chain, its key and the authorities for client certificates, and checks them as far
 * as that can be done without a client. Synchronous and quick.
 * @param now the moment at which the certificates must be valid
 * @returns null when authentication is off
 * @throws DaemonError E_CERTIFICATE, which names the option and the file, and nothing of what a key holds
 */
export function readCertificates(
  config: Pick<Config, 'authentication' | 'certificates' | 'clientAuthentication'>,
  now: Date,
): TlsMaterial | null {
  if (config.authentication === null) return null;
  const { certificates, clientAuthentication } = config;
  const certificateSource = readPemSource(CERTIFICATE, demand(CERTIFICATE, certificates.serverCertificate, 'authentication "ssl"'));
  const chain = parseCertificates(certificateSource);
  const keySource = readPemSource(KEY, demand(KEY, certificates.serverCertificateKey, 'authentication "ssl"'));
  const key = parsePrivateKey(keySource);
  checkPair(chain.list, key.key, { certificate: certificateSource.where, key: keySource.where });
  const warnings = checkChain(certificateSource.where, chain.list, now);
  if (keySource.mode !== null && (keySource.mode & (keySource.isOwn ? 0o044 : 0o004)) !== 0) {
    warnings.push(`${keySource.where} can be read by other users (mode ${formatMode(keySource.mode)}); chmod 600 keeps it private.`);
  }

  if (clientAuthentication !== 'none') demand(ROOT, certificates.rootCertificate, `clientAuthentication "${clientAuthentication}"`);
  const rootSource = certificates.rootCertificate === null ? null : readPemSource(ROOT, certificates.rootCertificate);
  const authorities = rootSource === null ? null : parseCertificates(rootSource);
  if (rootSource !== null && authorities !== null) warnings.push(...checkAuthorities(rootSource.where, authorities.list, now));

  const pem = { certificate: chain.pem, key: key.pem, authorities: authorities?.pem ?? null };
  loadOnce(certificateSource.where, pem);
  const subjects = authorities?.list.map((authority) => describeCertificate(authority).subject) ?? [];
  return { pem, facts: { ...describeCertificate(chain.list[0]), authorities: subjects }, validUntil: findEnd(chain.list), authorityEnds: findEnds(authorities?.list ?? [], now), warnings };
}

function demand(key: string, source: CertificateSource | null, needer: string): CertificateSource {
  if (source !== null) return source;
  throw new DaemonError('E_CERTIFICATE', `${key} is not set, and ${needer} needs it.`);
}

/** What only OpenSSL itself can tell: keys too short, digests too weak, algorithms it does not know. */
function loadOnce(where: string, { certificate, key }: TlsMaterial['pem']): void {
  try {
    createSecureContext({ cert: certificate, key, ca: [] });
  } catch (error) {
    throw new DaemonError('E_CERTIFICATE', `${where} and its key are refused by OpenSSL: ${reasonOf(error)}.`);
  }
}
