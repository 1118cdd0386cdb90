import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { DaemonError } from '../shared/errors.js';
import type { PemBlock, PemSource } from './pem-source.js';

export interface Certificates {
  readonly list: readonly [X509Certificate, ...X509Certificate[]];
  /** The certificates alone, in the order of the file, without the text and the keys around them. */
  readonly pem: string;
}

const isCertificate = ({ label }: PemBlock): boolean => label.endsWith('CERTIFICATE');
const isPrivateKey = ({ label }: PemBlock): boolean => label.endsWith('PRIVATE KEY');

/** @throws DaemonError E_CERTIFICATE when there is none, or one that cannot be decoded */
export function parseCertificates({ where, blocks }: PemSource): Certificates {
  const texts = blocks.filter(isCertificate).map(({ text }) => text);
  const [first, ...rest] = texts.map((text, index) => {
    try {
      return new X509Certificate(text);
    } catch (error) {
      throw new DaemonError('E_CERTIFICATE', `${where}: certificate number ${index + 1} cannot be decoded: ${reasonOf(error)}.`);
    }
  });
  if (first === undefined) throw wrongKind(where, blocks, 'a certificate');
  return { list: [first, ...rest], pem: texts.join('') };
}

/** @throws DaemonError E_CERTIFICATE when there is none, or one that cannot be used; never with anything of the key */
export function parsePrivateKey({ where, blocks }: PemSource): { readonly key: KeyObject; readonly pem: string } {
  const block = blocks.find(isPrivateKey);
  if (block === undefined) throw wrongKind(where, blocks, 'a private key');
  // The second form is that of RFC 1421, which OpenSSL wrote before PKCS #8.
  if (block.label.startsWith('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(block.text)) {
    throw new DaemonError('E_CERTIFICATE', `${where} is encrypted; grpcserverd takes no passphrase, so that it can start unattended.`, {
      hint: 'Decrypt it into a file that only this user can read: umask 077; openssl pkey -in FILE -out NEWFILE',
    });
  }
  try {
    return { key: createPrivateKey(block.text), pem: block.text };
  } catch (error) {
    throw new DaemonError('E_CERTIFICATE', `${where}: the key (${block.label}) cannot be decoded: ${reasonOf(error)}.`, {
      hint: block.label.startsWith('OPENSSH')
        ? 'This is the format of ssh-keygen; TLS needs PKCS #8, which openssl genpkey writes.'
        : 'Compare it with where it came from: openssl pkey -noout -check -in FILE',
    });
  }
}

function wrongKind(where: string, blocks: readonly PemBlock[], wanted: string): DaemonError {
  const labels = [...new Set(blocks.map(({ label }) => label))];
  return new DaemonError('E_CERTIFICATE', `${where} must hold ${wanted}, but holds: ${labels.join(', ')}.`, {
    hint: labels.some((label) => label.endsWith('REQUEST'))
      ? 'A request becomes a certificate when an authority signs it.'
      : 'Are certificate and key the wrong way round? "-----BEGIN CERTIFICATE-----" begins the one, "-----BEGIN PRIVATE KEY-----" the other.',
  });
}

/** OpenSSL's words for an error (`wrong tag`, `bad base64 decode`), which never hold what was decoded. */
export function reasonOf(error: unknown): string {
  const { reason, code } = error as { reason?: unknown; code?: unknown };
  return typeof reason === 'string' ? reason : typeof code === 'string' ? code : 'unknown reason';
}
