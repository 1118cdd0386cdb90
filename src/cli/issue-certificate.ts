import { randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import type forge from 'node-forge';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface IssuedCertificate {
  readonly pem: string;
  readonly pair: KeyPair;
}

export interface CertificateOrder {
  readonly commonName: string;
  readonly purpose: 'authority' | 'server' | 'client';
  /** Host names and addresses that the certificate is good for; a server needs one at least. */
  readonly hosts?: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** RSA. */
  readonly pair: KeyPair;
  /** Null: it signs itself. */
  readonly issuer: IssuedCertificate | null;
}

const KEY_USAGE = {
  authority: { keyCertSign: true, cRLSign: true },
  server: { digitalSignature: true, keyEncipherment: true },
  client: { digitalSignature: true, keyEncipherment: true },
} as const;

/** An X.509 certificate, version 3, with the extensions that RFC 5280 section 4.2 asks for, signed with SHA-256. */
export async function issueCertificate(order: CertificateOrder): Promise<IssuedCertificate> {
  // Loaded here, for no other command needs it.
  const { asn1, md, pki } = (await import('node-forge')).default;
  const { commonName, purpose, hosts = [], notBefore, notAfter, pair, issuer } = order;
  const certificate = pki.createCertificate();
  const issuerCertificate = issuer === null ? certificate : pki.certificateFromPem(issuer.pem);
  certificate.publicKey = pki.publicKeyFromPem(pair.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  certificate.serialNumber = randomSerial();
  certificate.validity = { notBefore, notAfter };
  // The types of forge want a class of asn1 here and mean its Type.
  const utf8 = asn1.Type.UTF8 as unknown as forge.asn1.Class;
  certificate.setSubject([{ name: 'commonName', value: commonName, valueTagClass: utf8 }]);
  certificate.setIssuer(issuerCertificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: purpose === 'authority' },
    { name: 'keyUsage', critical: true, ...KEY_USAGE[purpose] },
    ...(purpose === 'authority' ? [] : [{ name: 'extKeyUsage', serverAuth: purpose === 'server', clientAuth: purpose === 'client' }]),
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuerCertificate.generateSubjectKeyIdentifier().getBytes() },
    ...(hosts.length === 0 ? [] : [{ name: 'subjectAltName', altNames: hosts.map(altName) }]),
  ]);
  // forge makes the bytes, and node:crypto signs them: fifty times as fast, and the key stays in one place.
  const signer = {
    sign: () =>
      sign('sha256', Buffer.from(asn1.toDer(certificate.tbsCertificate).getBytes(), 'latin1'), (issuer?.pair ?? pair).privateKey)
        .toString('latin1'),
  };
  certificate.sign(signer as unknown as forge.pki.rsa.PrivateKey, md.sha256.create());
  return { pem: pki.certificateToPem(certificate).replaceAll('\r\n', '\n'), pair };
}

/** 16 octets, positive and never shorter (RFC 5280, 4.1.2.2: positive, at most 20 octets, hard to guess). */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

// The numbers are those of GeneralName in RFC 5280: 7 is an address, 2 a DNS name.
function altName(host: string): { type: 2; value: string } | { type: 7; ip: string } {
  if (isIP(host) === 0) return { type: 2, value: host };
  // URL writes an IPv6 address in the one form that forge can read in all cases, without an IPv4 tail.
  return { type: 7, ip: isIP(host) === 6 ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host };
}
