/** Runs in routers and workers. What a client connection (client-connection.ts) is made of. */
import type { Duplex } from 'node:stream';
import type { ConnectionError } from '../http2/connection-error.js';
import type { ClientLimit } from '../shared/client-limits.js';
import type { Clock } from '../shared/clock.js';
import type { FrontLimits } from './front-limits.js';
import type { Links, SwitchOwner } from './link.js';

export interface ClientConnectionOptions {
  /** A TCP or unix socket, or a TLS session whose handshake is done. Owned from here on. */
  readonly socket: Duplex;
  readonly limits: FrontLimits;
  readonly clock: Clock;
  /** Numbers in 0..1, for the spread of ages. */
  readonly random: () => number;
  /** Makes the links; called once, at once. */
  readonly connect: (owner: SwitchOwner) => Links;
  /** The client came to a limit; the connection may go on or not. */
  readonly onLimit: (limit: ClientLimit) => void;
  /** The connection is gone. `fault`: what the client did wrong, if that was why. */
  readonly onClose: (fault: ConnectionError | null) => void;
}
