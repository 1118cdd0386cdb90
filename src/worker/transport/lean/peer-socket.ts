/** Runs in a worker. What grpc-js reads from the socket of a session, told by whoever holds the real one. */
import { TLSSocket } from 'node:tls';
import type { PeerFacts } from '../../../front/peer-facts.js';

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
