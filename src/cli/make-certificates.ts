import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { issueCertificate, type CertificateOrder, type IssuedCertificate } from './issue-certificate.js';
import type { NewFile } from './write-new-files.js';

export interface DevelopmentSet {
  /** What the server may be called by. */
  readonly hosts: readonly string[];
  readonly client: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A server and a client that trust each other through an authority of their own; for development and tests. */
export async function makeCertificates({ hosts, client, notBefore, notAfter }: DevelopmentSet): Promise<NewFile[]> {
  const issue = (order: Pick<CertificateOrder, 'commonName' | 'purpose' | 'hosts' | 'issuer'>) =>
    issueCertificate({ ...order, notBefore, notAfter, pair: generateKeyPairSync('rsa', { modulusLength: 2048 }) });
  // Two authorities of one name on one machine would be taken for each other, hence the number.
  const commonName = `grpcserverd development CA ${randomBytes(4).toString('hex')}`;
  const authority = await issue({ commonName, purpose: 'authority', issuer: null });
  const server = await issue({ commonName: hosts[0] ?? 'localhost', purpose: 'server', hosts, issuer: authority });
  const person = await issue({ commonName: client, purpose: 'client', issuer: authority });
  return [...asFiles('ca', authority), ...asFiles('server', server), ...asFiles('client', person)];
}

/** NAME.crt for everybody, NAME.key for the owner alone. */
export function asFiles(name: string, { pem, pair }: IssuedCertificate): NewFile[] {
  return [
    { name: `${name}.crt`, text: pem, mode: 0o644 },
    { name: `${name}.key`, text: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), mode: 0o600 },
  ];
}
