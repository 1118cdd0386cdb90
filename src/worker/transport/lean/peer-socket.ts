/** Runs in a worker. What grpc-js reads from the socket of a session, told by whoever holds the real one. */
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

export type PeerSocket = Omit<PeerFacts, 'certificate'>;

/**
 * grpc-js answers getPeer, getConnectionInfo and getAuthContext from the properties of `stream.session.socket`, so
 * one object a connection does for all its calls what an interceptor would have to do for each. It asks only a
 * TLSSocket for a certificate, and only an authorized one: with a certificate, the object is one by its prototype.
 */
export function createPeerSocket({ certificate, ...addresses }: PeerFacts): PeerSocket {
  if (certificate === null) return addresses;
  const properties = { ...addresses, authorized: true, getPeerCertificate: () => certificate };
  return Object.create(TLSSocket.prototype, Object.getOwnPropertyDescriptors(properties)) as PeerSocket;
}
