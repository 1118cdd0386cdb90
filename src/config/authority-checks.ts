import type { X509Certificate } from 'node:crypto';
import { DaemonError } from '../shared/errors.js';
import { dateProblem, demandValid, expiryWarning } from './certificate-dates.js';
import { describeCertificate, displayName, nameOf } from './certificate-facts.js';
import { isIssuedBy, isSelfSigned } from './certificate-issuers.js';
import type { CertificateEnd } from './certificates.js';
import type { Certificates } from './pem-contents.js';

/**
 * What rootCertificate names must be able to vouch for clients now.
 * @returns warnings
 */
export function checkAuthorities(where: string, authorities: Certificates['list'], now: Date): string[] {
  const usable = authorities.filter(isUsable);
  const [first] = usable;
  if (first === undefined) {
    throw new DaemonError('E_CERTIFICATE', `${where} holds no certificate of an authority, only that of ${displayName(authorities[0])}.`, {
      hint: 'Name the certificate of the authority that issues the certificates of your clients.',
    });
  }
  if (usable.every((certificate) => dateProblem(certificate, now) !== null)) demandValid(where, first, now);
  return authorities.flatMap((certificate) => {
    const name = `${where}: ${displayName(certificate)}`;
    if (!usable.includes(certificate)) return [`${name} is not an authority; nobody is checked against it.`];
    const problem = dateProblem(certificate, now);
    if (problem !== null) return [`${where}: ${problem}.`];
    // By name, for a bundle may hold a hundred roots and their signatures take a while.
    const isRoot = certificate.subject === certificate.issuer;
    const isAnchored = isRoot || authorities.some((issuer) => isIssuedBy(certificate, issuer));
    return [
      ...(isAnchored ? [] : [`${name} is there without its issuer; the clients that it vouches for will be refused. Add the root.`]),
      ...expiryWarning(where, certificate, now),
    ];
  });
}

/** Until when those are good that can vouch for clients now. */
export function findEnds(authorities: readonly X509Certificate[], now: Date): CertificateEnd[] {
  const good = authorities.filter((certificate) => isUsable(certificate) && dateProblem(certificate, now) === null);
  return good.map(describeCertificate).map((facts) => ({ name: nameOf(facts), fingerprint256: facts.fingerprint256, validUntil: facts.notAfter }));
}

/** A self-signed certificate vouches for itself at least; old roots (X.509 version 1) do not even say that they are one. */
const isUsable = (certificate: X509Certificate): boolean => certificate.ca || isSelfSigned(certificate);
