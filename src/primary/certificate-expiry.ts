/** Runs in the primary. When to say that the certificate in use ends soon, or has ended: at once, and then once a day. */
import { daysLeft, EXPIRY_WARNING_DAYS } from '../config/certificate-dates.js';
import type { TlsMaterial } from '../config/certificates.js';

const DAY = 86_400_000;

export class CertificateExpiry {
  /** What was said last: of which certificate, and whether it had ended. */
  #said = '';
  #saidAt = 0;

  /**
   * Whole days that are left, if that has to be said now: below 30, and negative when it has ended. Null otherwise.
   * @param now milliseconds since the epoch
   */
  takeDays({ facts: { fingerprint256 }, validUntil }: Pick<TlsMaterial, 'facts' | 'validUntil'>, now: number): number | null {
    const days = daysLeft(validUntil, new Date(now));
    if (days >= EXPIRY_WARNING_DAYS) return null;
    const state = `${fingerprint256} ${days < 0 ? 'ended' : 'ends'}`;
    // The date of a machine may be set back.
    if (state === this.#said && now >= this.#saidAt && now - this.#saidAt < DAY) return null;
    this.#said = state;
    this.#saidAt = now;
    return days;
  }
}
