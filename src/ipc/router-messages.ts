/**
 * Every message between the primary and its routers, on one screen. The words are those of messages.ts; a socket
 * travels as the handle of `take-socket`, and whatever is sent after it arrives after it.
 */
import type { TlsMaterial } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import type { ClientLimit } from '../shared/client-limits.js';
import type { ErrorData } from '../shared/errors.js';

/** What clients may do, from the config. Times in milliseconds. */
export type RouterLimits = Pick<
  Config,
  'maxConcurrentStreams' | 'maxMetadataSize' | 'keepalive' | 'maxConnectionAge' | 'maxConnectionAgeGrace' | 'maxConnectionIdle'
> & {
  /** How long a call waits for a worker. */
  readonly queueTimeout: number;
};

export type ToRouter =
  | {
      readonly type: 'start';
      /** 0..routers-1. */
      readonly index: number;
      /** Of the daemon. */
      readonly name: string;
      readonly limits: RouterLimits;
      readonly clientAuthentication: Config['clientAuthentication'];
      /** Read and checked by the primary: the newest good ones. */
      readonly tls: Pick<TlsMaterial, 'pem'> | null;
      /** 48 bytes, base64: the same in all routers, so that TLS sessions resume in any of them. */
      readonly ticketKeys: string;
      readonly logLevel: string;
      readonly logFormat: 'json' | 'pretty';
    }
  | { readonly type: 'take-socket'; readonly id: number }
  /** Was that order received? Node drops one whose socket finds no free file descriptor, and tells nobody. */
  | { readonly type: 'confirm-socket'; readonly id: number }
  /** The worker is ready, and listens at `path`. `id` is never used again. */
  | { readonly type: 'admit-worker'; readonly id: number; readonly slot: number; readonly generation: number; readonly path: string }
  /** No new calls for it. Its links close as their calls end; the last one tells it that no more will come. */
  | { readonly type: 'withdraw-worker'; readonly id: number }
  /** It has exited. */
  | { readonly type: 'worker-gone'; readonly id: number }
  /** For connections and calls that come from now on. */
  | { readonly type: 'set-limits'; readonly limits: RouterLimits }
  /** The certificates of new connections from now on; those that are open stay as they are. */
  | { readonly type: 'set-certificates'; readonly tls: Pick<TlsMaterial, 'pem'> }
  /** Who may connect, and with what, is another matter from now on: clients that are there leave, at most `grace` milliseconds later. */
  | { readonly type: 'set-security'; readonly tls: Pick<TlsMaterial, 'pem'> | null; readonly clientAuthentication: Config['clientAuthentication']; readonly grace: number }
  /** Units of maximumConcurrentRpcs (src/primary/unit-owner.ts): so many more; null: there is no cap. */
  | { readonly type: 'lend-units'; readonly count: number | null; readonly isAlone: boolean }
  | { readonly type: 'reclaim-units'; readonly count: number; readonly when: 'now' | 'later' }
  /** Ask the clients to leave and exit when they are gone. `quick`: all within that many milliseconds. */
  | { readonly type: 'drain'; readonly cause: string; readonly quick: number | null }
  | { readonly type: 'set-log-level'; readonly level: string };

export type FromRouter =
  /** It listens to messages from now on. The answer is `start`. */
  | { readonly type: 'awake' }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly error: ErrorData }
  | ({ readonly type: 'heartbeat' } & RouterLoad)
  | { readonly type: 'socket-taken'; readonly id: number }
  | { readonly type: 'socket-lost'; readonly id: number }
  | { readonly type: 'sockets-closed'; readonly ids: readonly number[] }
  /** Clients came to a limit, that often since it was said last. */
  | { readonly type: 'limit-reached'; readonly limit: ClientLimit; readonly count: number }
  /** It is out of units; the answer is `lend-units`, if only of 0. */
  | { readonly type: 'units-wanted'; readonly count: number }
  | { readonly type: 'units-returned'; readonly count: number; readonly when: 'now' | 'later' }
  /** Of a worker that is withdrawn: it has no call from here any more, and no link. */
  | { readonly type: 'worker-left'; readonly id: number }
  /** All clients are gone; it exits. */
  | { readonly type: 'drained' };

/** Calls that a router answers itself: over the cap, no worker in time, or too many that wait already. */
export const REFUSALS = ['limit', 'no-worker', 'queue-full'] as const;
export type Refusals = Readonly<Record<(typeof REFUSALS)[number], number>>;

/** What a router says of itself every two seconds. */
export interface RouterLoad {
  /** Now: connections of clients, links to workers, calls that workers work on, and that wait for one. */
  readonly connections: number;
  readonly links: number;
  readonly inFlight: number;
  readonly waiting: number;
  /** Since the start: calls given to workers, and those that ended because their worker did. */
  readonly calls: number;
  readonly lost: number;
  readonly refused: Refusals;
  /** Since the start: connections that ended because their client broke the protocol, by the name of the error (RFC 9113 section 7). */
  readonly faults: Readonly<Record<string, number>>;
  /** Bytes that wait in this process for clients, workers, or a worker to be there. */
  readonly buffered: number;
  /** Since the start, from and to clients. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** CPU time since the start, in seconds. */
  readonly cpu: number;
  readonly workers: readonly WorkerLoad[];
}

/** What a router has to do with a worker. */
export interface WorkerLoad {
  readonly id: number;
  /** Now. */
  readonly links: number;
  readonly inFlight: number;
  /** Since it was told of the worker. */
  readonly calls: number;
  readonly standing: 'good' | 'late' | 'out';
}
