/**
 * Runs in a worker. The seam between a client's connection and the grpc-js Server: what carries calls in and out.
 * How connections reach the worker (src/front/intake.ts) and what calls do (src/worker/calls) is not its business.
 */
import type { Socket } from 'node:net';

export interface Transport {
  /**
   * A connection younger than this, in milliseconds, is not asked to leave: a client that is refused twice within
   * one call gives up, and its first refusal may be what brought it here.
   */
  readonly settle: number;
  /** Serves a connection: a TCP or unix socket, or a TLS session whose handshake is done. Takes ownership. */
  accept(socket: Socket): void;
  /**
   * Asks the clients of all connections, those that are still to come included, to take their new calls elsewhere.
   * Calls in flight go on; a connection closes when its last call has ended.
   */
  drain(): void;
  /** The same for the connections that are there now; those that are still to come stay. */
  sendAway(): void;
  /**
   * Makes a unary call through the same server over a private connection, outside of all interceptors.
   * @param path full method name
   * @param timeout in milliseconds
   * @returns the bytes of the response message
   */
  selfCall(path: string, timeout: number): Promise<Buffer>;
}
