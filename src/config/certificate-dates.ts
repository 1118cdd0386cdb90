import type { X509Certificate } from 'node:crypto';
import { DaemonError } from '../shared/errors.js';
import { displayName } from './certificate-facts.js';

/** A certificate that ends in less than this many days is a warning. */
const EXPIRY_WARNING_DAYS = 30;
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
  const notAfter = new Date(certificate.validTo);
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY);
  if (days >= EXPIRY_WARNING_DAYS) return [];
  return [`${where}: ${displayName(certificate)} expires on ${utc(notAfter)}, in ${days} ${days === 1 ? 'day' : 'days'}.`];
}

const utc = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');
