import { createHash } from 'node:crypto';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { TlsMaterial } from './certificates.js';
import type { Config } from './options.js';

/**
 * Options for `tls.createServer` and `server.setSecureContext`, for gRPC over HTTP/2. TLS 1.2 is the least that
 * RFC 9113 section 9.2 allows. Order and choice of ciphers are Node's (server first; `--tls-cipher-list` among the
 * nodeArguments replaces the list).
 *
 * `request` cannot be said to OpenSSL: it demands a certificate or does not look. So the handshake lets everybody
 * through and the server asks `isClientAccepted` about each socket before it reads from it.
 */
export function createTlsOptions(material: Pick<TlsMaterial, 'pem'>, clientAuthentication: Config['clientAuthentication']): TlsOptions {
  const { certificate, key, authorities } = material.pem;
  const asksForCertificate = clientAuthentication !== 'none';
  return {
    cert: certificate,
    key,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.2',
    requestCert: asksForCertificate,
    rejectUnauthorized: clientAuthentication === 'require',
    // A session is resumed without a look at the client's certificate, or at whether there was one. So it holds only
    // among servers that demand the same; tickets outlive a reload where their keys do.
    sessionIdContext: createHash('sha256').update(`${clientAuthentication}\n${authorities}`).digest('hex').slice(0, 32),
    // Without `ca` Node would trust the public authorities of the web; an empty list trusts nobody.
    ...(asksForCertificate ? { ca: authorities ?? [] } : {}),
  };
}

/**
 * Whether a client of a server made with `createTlsOptions` may stay, whatever clientAuthentication is: one without
 * a certificate (where one is demanded it does not get this far), or with one that an authority vouches for.
 * `socket.authorizationError` has OpenSSL's reason (`CERT_HAS_EXPIRED`...) when it may not; destroy it then.
 *
 * `socket.authorized` alone does not tell: on a resumed TLS 1.3 session it is true without any certificate.
 * @param socket after the server's event `secureConnection`
 */
export function isClientAccepted(socket: TLSSocket): boolean {
  return socket.authorized || socket.getPeerX509Certificate() === undefined;
}
