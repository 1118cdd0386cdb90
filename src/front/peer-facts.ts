/** Runs in routers and workers. Who is at both ends of a client's connection. */
import type { Socket } from 'node:net';
import { TLSSocket, type PeerCertificate } from 'node:tls';

/** Both ends of a client's connection. Ports are undefined on unix sockets, addresses where there are none. */
export interface PeerFacts {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** The client's, when it was asked for one that was found good; else null. */
  readonly certificate: PeerCertificate | null;
}

/** @param socket whose TLS handshake, if any, is done */
export function factsOf(socket: Socket): PeerFacts {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const certificate = socket instanceof TLSSocket && socket.authorized ? socket.getPeerCertificate() : null;
  // Node gives an empty object for none.
  return { remoteAddress, remotePort, localAddress, localPort, certificate: certificate?.raw === undefined ? null : certificate };
}

/** For logs. */
export function nameOf({ remoteAddress, remotePort }: Pick<PeerFacts, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress ?? 'unknown'}:${remotePort ?? 0}`;
}
