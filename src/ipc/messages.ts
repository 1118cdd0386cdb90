/**
 * Every message between the primary and its children, on one screen. Facts are past or adjectives, orders are
 * verbs. A socket travels as the handle of `take-socket`; whatever is sent after it arrives after it.
 */
import type { TlsMaterial } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import type { SignatureData } from '../config/signature-data.js';
import type { ClientLimit } from '../shared/client-limits.js';
import type { ErrorData } from '../shared/errors.js';
import type { ServiceInfo } from '../shared/service-info.js';
import type { CallFigures } from './call-figures.js';
import type { LoadReport } from './load-report.js';

export type ToWorker =
  | {
      readonly type: 'start';
      readonly slot: number;
      readonly generation: number;
      readonly config: Config;
      readonly logFormat: 'json' | 'pretty';
      /** Path of the unix socket on which it takes the links of routers; null when connections come to it. */
      readonly linkPath: string | null;
      /** This worker's share of maximumConcurrentRpcs; null with routers, which count the calls of all. */
      readonly callLimit: number | null;
      /** Read and checked by the primary: the newest good ones, whatever is on disk now. */
      readonly tls: Pick<TlsMaterial, 'pem'> | null;
      /** 48 bytes, base64: the same in all workers, so that TLS sessions resume in any of them. */
      readonly ticketKeys: string;
      /** Read and checked by the primary, as `tls` is; null when calls are not checked. */
      readonly signature: SignatureData | null;
    }
  | { readonly type: 'take-socket'; readonly id: number }
  /** Was that order received? Node drops one whose socket finds no free file descriptor, and tells nobody. */
  | { readonly type: 'confirm-socket'; readonly id: number }
  /**
   * Finish the calls within their timeouts and exit. `delay`: ask the clients to leave only after that many
   * milliseconds, so that workers leave one after the other. `quick`: all within that many milliseconds instead.
   */
  | { readonly type: 'drain'; readonly cause: string; readonly delay: number; readonly quick: number | null }
  /** Ask the clients that are there now to take their calls elsewhere; calls in flight go on. */
  | { readonly type: 'send-clients-away' }
  | { readonly type: 'set-log-level'; readonly level: string }
  /** This worker's share of maximumConcurrentRpcs from now on; calls over it that are in progress go on. */
  | { readonly type: 'set-call-limit'; readonly limit: number }
  /** The certificates of new connections from now on; those that are open stay as they are. */
  | { readonly type: 'set-certificates'; readonly tls: Pick<TlsMaterial, 'pem'> }
  /** What the calls that begin from now on are checked against. */
  | { readonly type: 'set-signature'; readonly data: SignatureData }
  /** Say what the calls have come to since that was told last. */
  | { readonly type: 'tell-calls'; readonly id: number }
  /** The whole server is going to stop: say so to those who watch health, and serve on. */
  | { readonly type: 'announce-stop' }
  /** The load of the whole server, for clients that ask for it. */
  | { readonly type: 'set-load-report'; readonly report: LoadReport }
  /** Open the inspector, close it, or write the heap to a file. */
  | { readonly type: 'inspect'; readonly id: number; readonly action: InspectAction };

/** `heapSnapshot`: absolute path of a file that does not exist. */
export type InspectAction = 'open' | 'close' | { readonly heapSnapshot: string };

export type FromWorker =
  /** It listens to messages from now on; what node:cluster gets before that is lost. The answer is `start`. */
  | { readonly type: 'awake' }
  | { readonly type: 'ready'; readonly services: readonly ServiceInfo[] }
  /** It cannot start; `permanent` when trying again with the same files would fail the same way. */
  | { readonly type: 'failed'; readonly error: ErrorData; readonly permanent: boolean }
  | ({ readonly type: 'heartbeat' } & Load)
  /** What its calls have come to since it told last. `id`: of the order; null when it tells unasked. */
  | ({ readonly type: 'calls-told'; readonly id: number | null } & CallFigures)
  | { readonly type: 'socket-taken'; readonly id: number }
  /** The order to take a socket never came, or came without it: this process is out of file descriptors. */
  | { readonly type: 'socket-lost'; readonly id: number }
  | { readonly type: 'sockets-closed'; readonly ids: readonly number[] }
  /** Clients came to a limit, that often since it was said last. */
  | { readonly type: 'limit-reached'; readonly limit: ClientLimit; readonly count: number }
  /** It was asked by somebody else (SIGTERM) to leave, and waits for the order. */
  | { readonly type: 'drain-wanted'; readonly cause: string }
  /** It would like to be replaced: its state may be damaged. */
  | { readonly type: 'recycle-wanted'; readonly cause: string }
  | { readonly type: 'drained'; readonly finished: number; readonly cut: readonly CallSummary[] }
  /**
   * The files that its servicers, interceptors and protos came from, as far as they can be told: absolute paths that
   * it did not name before.
   */
  | { readonly type: 'files-loaded'; readonly files: readonly LoadedFile[] }
  /** The answer to `inspect`: the address of the inspector, the path of the snapshot, empty once closed; or why not. */
  | { readonly type: 'inspected'; readonly id: number; readonly result: string; readonly error: ErrorData | null };

export interface LoadedFile {
  readonly path: string;
  /** Of what it held when it was loaded (src/shared/file-hash.ts); null when it was written again before it was read for that. */
  readonly hash: string | null;
}

/** A call as the primary and people hear of it. */
export interface CallSummary {
  readonly method: string;
  readonly peer: string;
  readonly ageMs: number;
}

/** What a worker says of itself every two seconds. */
export interface Load {
  readonly connections: number;
  readonly inFlight: number;
  readonly calls: number;
  /** 99th percentile over the interval, in milliseconds. */
  readonly eventLoopDelay: number;
  /** 0..1 over the interval. */
  readonly eventLoopUtilization: number;
  readonly rss: number;
  readonly heapUsed: number;
  /** 99th percentile of the time of the calls that ended over the interval, in milliseconds; 0 without any. */
  readonly p99: number;
  /** The call that has been in progress longest; but for those that never end, which a drain ends first. */
  readonly oldestCall: CallSummary | null;
  /** CPU time since the start, in seconds. */
  readonly cpu: number;
  readonly served: ServedLoad;
}

/** Calls, but for those that only look at the server (src/shared/observing-calls.ts). */
export interface ServedLoad {
  /** Now. */
  readonly inFlight: number;
  /** Since the start; and of these, those that ended with a status for which the server is to blame. */
  readonly ended: number;
  readonly failed: number;
}
