import type { X509Certificate } from 'node:crypto';
import { SocketAddress } from 'node:net';

/** What people want to know of a certificate. */
export interface CertificateFacts {
  /** `C=CH, O=Example, CN=localhost`; empty when it names none (its altNames do). */
  readonly subject: string;
  readonly issuer: string;
  /** Host names and addresses of subjectAltName. */
  readonly altNames: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 over the DER form, as openssl prints it: `AB:CD:...`. */
  readonly fingerprint256: string;
}

export function describeCertificate(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    altNames: splitAltNames(certificate.subjectAltName),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    fingerprint256: certificate.fingerprint256,
  };
}

/** A name for people: the subject, or the first altName where there is none. */
export const nameOf = ({ subject, altNames, fingerprint256 }: Pick<CertificateFacts, 'subject' | 'altNames' | 'fingerprint256'>): string =>
  subject === '' ? (altNames[0] ?? fingerprint256) : subject;

/** A name for messages: the subject, or the first altName, or the serial number. */
export function displayName(certificate: X509Certificate): string {
  const { subject, altNames } = describeCertificate(certificate);
  return `"${subject === '' ? (altNames[0] ?? `serial ${certificate.serialNumber}`) : subject}"`;
}

// Node gives undefined for an empty name, whatever its types say; a line break inside of a name comes as \0A.
const oneLine = (name: string | undefined): string => (name ?? '').replaceAll('\n', ', ');

/** `DNS:a, IP Address:0:0:0:0:0:0:0:1, DNS:"odd\u002c name"` to its names. Odd ones come as JSON strings. */
function splitAltNames(text: string | undefined): string[] {
  return [...(text ?? '').matchAll(/(?:^|, )([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)].map(([, type, value = '']) => {
    if (value.startsWith('"')) return JSON.parse(value) as string;
    return type === 'IP Address' && value.includes(':') ? new SocketAddress({ address: value, family: 'ipv6' }).address : value;
  });
}
