/** Runs in the primary. What `status` says of the server's certificate; pure. */
import { describeEnd } from '../config/certificate-dates.js';
import { nameOf } from '../config/certificate-facts.js';
import type { TlsMaterial } from '../config/certificates.js';
import type { CertificateStatus } from '../control/definition.js';

type InUse = Pick<TlsMaterial, 'facts' | 'validUntil'>;

export function describeCertificate({ facts, validUntil }: InUse, now: Date): CertificateStatus {
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
export function certificateProblems({ facts, validUntil }: InUse, refusal: string | null, now: Date): string[] {
  return [
    ...(refusal === null ? [] : [`The certificate files are not in use: ${refusal}`]),
    ...(validUntil < now ? [`The certificate ${nameOf(facts)} ${describeEnd(validUntil, now)}; clients refuse it`] : []),
  ];
}
