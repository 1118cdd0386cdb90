import type { X509Certificate } from 'node:crypto';
import { DaemonError } from '../shared/errors.js';
import { displayName } from './certificate-facts.js';

/** A certificate that ends in less than this many days is a warning. */
export const EXPIRY_WARNING_DAYS = 30;
const DAY = 86_400_000;

/** @throws DaemonError E_CERTIFICATE with both dates: the certificate's and today's */
export function demandValid(where: string, certificate: X509Certificate, now: Date): void {
  const problem = dateProblem(certificate, now);
  if (problem === null) return;
  throw new DaemonError('E_CERTIFICATE', `${where}: ${problem}.`, { hint: 'Renew it; or, if the date of this machine is wrong, set the clock.' });
}

/** What is wrong with the dates of a certificate, as a sentence without its full stop; null when nothing is. */
export function dateProblem(certificate: X509Certificate, now: Date): string | null {
  const [notBefore, notAfter] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  const say = (what: string, date: Date): string => `${displayName(certificate)} ${what} ${utc(date)}, and it is ${utc(now)}`;
  if (now > notAfter) return say('expired on', notAfter);
  return now < notBefore ? say('is not valid before', notBefore) : null;
}

/** One sentence when the end is near, or none. */
export function expiryWarning(where: string, certificate: X509Certificate, now: Date): string[] {
  const end = describeEnd(new Date(certificate.validTo), now);
  return end === null ? [] : [`${where}: ${displayName(certificate)} ${end}.`];
}

/** `expires on 2030-01-20T00:00:00Z, in 5 days`; null when that is far off. */
export function describeEnd(notAfter: Date, now: Date): string | null {
  const days = daysLeft(notAfter, now);
  if (days >= EXPIRY_WARNING_DAYS) return null;
  return days < 0 ? `expired on ${utc(notAfter)}` : `expires on ${utc(notAfter)}, in ${days} ${days === 1 ? 'day' : 'days'}`;
}

/** Whole days, rounded down; negative when it is over. */
export const daysLeft = (notAfter: Date, now: Date): number => Math.floor((notAfter.getTime() - now.getTime()) / DAY);

/** `2030-01-20T00:00:00Z` */
export const utc = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');
