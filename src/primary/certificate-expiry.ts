/**
 * Runs in the primary. When to say that a certificate in use ends soon, or has ended: at once, and again when 30, 7 and
 * 1 days are left. That the server's own has ended is said every day; what is wrong with it everybody notices.
 */
import { daysLeft, EXPIRY_WARNING_DAYS } from '../config/certificate-dates.js';
import { nameOf } from '../config/certificate-facts.js';
import type { CertificateEnd, TlsMaterial } from '../config/certificates.js';

const DAY = 86_400_000;
/** It is said when fewer whole days are left, once for each; below 0 it has ended. */
const NOTICES = [EXPIRY_WARNING_DAYS, 7, 1, 0];
const ENDED = 0;

export interface ExpiryNews {
  readonly certificate: 'server' | 'authority';
  readonly end: CertificateEnd;
  /** Whole days that are left; negative when it has ended. */
  readonly days: number;
}

interface Said {
  /** Of NOTICES. */
  readonly notice: number;
  readonly at: number;
}

export class CertificateExpiry {
  /** What was said last, by fingerprint. */
  #said = new Map<string, Said>();

  /**
   * What has to be said now.
   * @param now milliseconds since the epoch
   */
  take({ facts, validUntil, authorityEnds }: Pick<TlsMaterial, 'facts' | 'validUntil' | 'authorityEnds'>, now: number): ExpiryNews[] {
    const before = this.#said;
    this.#said = new Map();
    const server: CertificateEnd = { name: nameOf(facts), fingerprint256: facts.fingerprint256, validUntil };
    return [
      ...this.#look('server', server, before.get(server.fingerprint256), now),
      ...authorityEnds.flatMap((end) => this.#look('authority', end, before.get(end.fingerprint256), now)),
    ];
  }

  #look(certificate: ExpiryNews['certificate'], end: CertificateEnd, before: Said | undefined, now: number): ExpiryNews[] {
    const days = daysLeft(end.validUntil, new Date(now));
    const notice = Math.min(Infinity, ...NOTICES.filter((limit) => days < limit));
    if (notice === Infinity) return [];
    const isOld = before !== undefined && notice >= before.notice;
    const isRepeated = certificate === 'server' && notice === ENDED && before !== undefined && now - before.at >= DAY;
    this.#said.set(end.fingerprint256, isOld && !isRepeated ? before : { notice, at: now });
    return isOld && !isRepeated ? [] : [{ certificate, end, days }];
  }
}
