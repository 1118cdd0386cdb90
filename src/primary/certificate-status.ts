/** Runs in the primary. What `status` says of the server's certificate; pure. */
import { describeEnd } from '../config/certificate-dates.js';
import { nameOf } from '../config/certificate-facts.js';
import type { TlsMaterial } from '../config/certificates.js';
import type { CertificateStatus } from '../control/definition.js';

type InUse = Pick<TlsMaterial, 'facts' | 'validUntil' | 'authorityEnds'>;

export function describeCertificate({ facts, validUntil }: Pick<InUse, 'facts' | 'validUntil'>, now: Date): CertificateStatus {
  return {
    subject: nameOf(facts),
    fingerprint: facts.fingerprint256,
    expiresAt: validUntil.getTime(),
    warning: describeEnd(validUntil, now) ?? '',
  };
}

/**
 * What keeps the daemon from being healthy. An end that is near does not yet.
 * @param refusal why the files as they are now are not in use, or null
 */
export function certificateProblems({ facts, validUntil, authorityEnds }: InUse, refusal: string | null, now: Date): string[] {
  return [
    ...(refusal === null ? [] : [`The certificate files are not in use: ${refusal}`]),
    ...(validUntil < now ? [`The certificate ${nameOf(facts)} ${describeEnd(validUntil, now)}; clients refuse it`] : []),
    ...(authorityEnds.length > 0 && authorityEnds.every((end) => end.validUntil < now) ? ['Every authority of rootCertificate has expired; clients with a certificate are refused'] : []),
  ];
}

/** When the next of the authorities ends that have not ended; the last end when all have. Null without any. */
export function nextAuthorityEnd({ authorityEnds }: Pick<InUse, 'authorityEnds'>, now: Date): Date | null {
  const ends = authorityEnds.map(({ validUntil }) => validUntil.getTime());
  if (ends.length === 0) return null;
  const ahead = ends.filter((end) => end >= now.getTime());
  return new Date(ahead.length > 0 ? Math.min(...ahead) : Math.max(...ends));
}
