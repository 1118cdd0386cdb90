import type { KeyObject, X509Certificate } from 'node:crypto';
import { DaemonError } from '../shared/errors.js';
import { describeCertificate, displayName } from './certificate-facts.js';
import type { Certificates } from './pem-contents.js';

/** From this many days before its end on, a certificate is a warning. */
const EXPIRY_WARNING_DAYS = 30;
const DAY = 86_400_000;

const SERVER_PURPOSES = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

const ORDER =
  "The order is: the server's certificate, then the one that issued it, and so on (RFC 8446, section 4.4.2). The root may be left out.";

type Chain = Certificates['list'];

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

const isSelfSigned = (certificate: X509Certificate): boolean => isIssuedBy(certificate, certificate);

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

/**
 * What rootCertificate names must be able to vouch for clients now.
 * @returns warnings
 */
export function checkAuthorities(where: string, authorities: Chain, now: Date): string[] {
  // A self-signed certificate vouches for itself at least; old roots (X.509 version 1) do not even say that they are one.
  const usable = authorities.filter((certificate) => certificate.ca || isSelfSigned(certificate));
  if (usable.length === 0) {
    throw new DaemonError('E_CERTIFICATE', `${where} holds no certificate of an authority; the first one is of ${displayName(authorities[0])}.`, {
      hint: 'Name the certificate of the authority that issues the certificates of your clients.',
    });
  }
  const valid = usable.filter((certificate) => dateProblem(certificate, now) === null);
  const [first] = usable;
  if (valid.length === 0 && first !== undefined) demandValid(where, first, now);
  return authorities.flatMap((certificate) => {
    if (!usable.includes(certificate)) return [`${where}: ${displayName(certificate)} is not an authority.`];
    const problem = dateProblem(certificate, now);
    return problem === null ? expiryWarning(where, certificate, now) : [`${where}: ${problem}.`];
  });
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
  // Only authorities of the web say where their own certificate can be had, and they never issue from a root.
  if (chain.length === 1 && leaf.infoAccess?.includes('CA Issuers') === true && !isSelfSigned(leaf)) {
    warnings.push(`${where}: ${displayName(leaf)} comes without the certificate of its issuer; many clients will refuse it. Use the full chain.`);
  }
  return warnings;
}

function demandValid(where: string, certificate: X509Certificate, now: Date): void {
  const problem = dateProblem(certificate, now);
  if (problem === null) return;
  throw new DaemonError('E_CERTIFICATE', `${where}: ${problem}.`, { hint: 'Renew it; or, if the date of this machine is wrong, set the clock.' });
}

function dateProblem(certificate: X509Certificate, now: Date): string | null {
  const { notBefore, notAfter } = describeCertificate(certificate);
  const say = (what: string, date: Date): string => `${displayName(certificate)} ${what} ${utc(date)}, and it is ${utc(now)}`;
  if (now > notAfter) return say('expired on', notAfter);
  return now < notBefore ? say('is not valid before', notBefore) : null;
}

function expiryWarning(where: string, certificate: X509Certificate, now: Date): string[] {
  const { notAfter } = describeCertificate(certificate);
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY);
  if (days >= EXPIRY_WARNING_DAYS) return [];
  return [`${where}: ${displayName(certificate)} expires on ${utc(notAfter)}, in ${days} ${days === 1 ? 'day' : 'days'}.`];
}

const utc = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');
