import type { KeyObject, X509Certificate } from 'node:crypto';
import { DaemonError } from '../shared/errors.js';
import { demandValid, expiryWarning } from './certificate-dates.js';
import { displayName } from './certificate-facts.js';
import { isIssuedBy, isSelfSigned } from './certificate-issuers.js';
import type { Certificates } from './pem-contents.js';

const SERVER_PURPOSES = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

const ORDER =
  "The order is: the server's certificate, then the one that issued it, and so on (RFC 8446, section 4.4.2). The root may be left out.";

type Chain = Certificates['list'];

/**
 * The key must belong to the first certificate of the chain.
 * @param where of certificate and key, for messages
 */
export function checkPair(chain: Chain, key: KeyObject, where: { certificate: string; key: string }): void {
  const owner = chain.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (owner === 0) return;
  if (owner === -1) {
    throw new DaemonError('E_CERTIFICATE', `The key does not match the certificate ${displayName(chain[0])}: ${where.key}; ${where.certificate}.`, {
      hint: 'Both must come from one issue. Compare: openssl x509 -noout -pubkey -in CERTIFICATE; openssl pkey -pubout -in KEY',
    });
  }
  throw new DaemonError(
    'E_CERTIFICATE',
    `${where.certificate} is out of order: the server's own certificate is number ${owner + 1} in it, and has to be the first.`,
    { hint: ORDER },
  );
}

/**
 * Each certificate of the chain must be issued by the next one and be valid now. The root may be left out.
 * @returns warnings
 */
export function checkChain(where: string, chain: Chain, now: Date): string[] {
  chain.forEach((certificate, index) => checkLink(where, chain, certificate, index));
  const warnings = chain.flatMap((certificate, index) => {
    // A root that comes along is not looked at: clients rely on their own copy of it.
    if (index > 0 && isSelfSigned(certificate)) return [];
    demandValid(where, certificate, now);
    return expiryWarning(where, certificate, now);
  });
  return [...warnings, ...leafWarnings(where, chain)];
}

/** When the first certificate of the chain expires that clients look at. */
export function findEnd(chain: Chain): Date {
  const looked = chain.filter((certificate, index) => index === 0 || !isSelfSigned(certificate));
  return new Date(Math.min(...looked.map(({ validTo }) => Date.parse(validTo))));
}

function checkLink(where: string, chain: Chain, certificate: X509Certificate, index: number): void {
  const next = chain[index + 1];
  if (next === undefined || isIssuedBy(certificate, next)) return;
  const link = `number ${index + 1}, ${displayName(certificate)}, is followed by ${displayName(next)}, which did not issue it`;
  const issuer = chain.findIndex((candidate) => candidate !== certificate && isIssuedBy(certificate, candidate));
  throw new DaemonError(
    'E_CERTIFICATE',
    issuer === -1
      ? `${where} is a broken chain: ${link}.`
      : `${where} is out of order: ${link}; its issuer is number ${issuer + 1}.`,
    { hint: ORDER },
  );
}

function leafWarnings(where: string, chain: Chain): string[] {
  const [leaf] = chain;
  const warnings: string[] = [];
  if (leaf.subjectAltName === undefined) {
    warnings.push(`${where}: ${displayName(leaf)} has no subjectAltName; clients do not look for host names elsewhere.`);
  }
  // Node's name notwithstanding, this is the extended key usage.
  if (leaf.keyUsage !== (undefined as unknown) && !SERVER_PURPOSES.some((purpose) => leaf.keyUsage.includes(purpose))) {
    warnings.push(`${where}: ${displayName(leaf)} is not made for servers (extendedKeyUsage lacks serverAuth); clients will refuse it.`);
  }
  // Where a certificate says from which address its issuer's can be had, that is an intermediate authority most likely.
  if (chain.length === 1 && leaf.infoAccess?.includes('CA Issuers') === true && !isSelfSigned(leaf)) {
    warnings.push(`${where}: ${displayName(leaf)} comes without the certificate of its issuer; clients that do not have that one will refuse it. Use the full chain.`);
  }
  return warnings;
}
