import type { MethodKind } from '#src/shared/service-info.js';

/** What gRPC knows besides sending messages as they are. */
export type Compression = 'gzip' | 'deflate';

/** A call, described so that every peer can make it. Messages are encoded already. */
export interface CallOrder {
  /** `/pkg.Service/Method` */
  readonly method: string;
  readonly kind: MethodKind;
  /** The messages to send: one for a unary or server-streaming call. */
  readonly send: readonly Buffer[];
  /** Values of keys that end in "-bin" are in base64. */
  readonly metadata?: readonly (readonly [key: string, value: string])[];
  /** Deadline of the call. */
  readonly timeoutMs?: number;
  /** Compress what is sent. */
  readonly compress?: Compression;
  /** Bidirectional calls: send each message after the answer to the one before. */
  readonly lockstep?: boolean;
  /** Cancel after this many messages of the answer; with 0 at once, and what streams to the server is not ended before. */
  readonly cancelAfter?: number;
}

/** Deadline of a call that names none. */
export const CALL_TIMEOUT = 10_000;

/** How a call ended. Calls never reject: a status is an answer too. */
export interface Outcome<Message = Buffer> {
  /** The name of the status: "OK", "NOT_FOUND"... */
  readonly code: string;
  readonly details: string;
  /** Each key with its values; those of "-bin" keys in base64. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly trailers: Readonly<Record<string, readonly string[]>>;
  readonly messages: readonly Message[];
}

/** What a load of calls came to. */
export interface Tally {
  readonly calls: number;
  /** Name of the status -> number of calls. */
  readonly codes: Readonly<Record<string, number>>;
  /** Name of the status, OK apart -> some of the texts. */
  readonly details: Readonly<Record<string, readonly string[]>>;
}

/** A number of calls kept in flight. */
export interface Load {
  /** Settles when the first call has ended. */
  readonly loading: Promise<void>;
  /** Starts no more calls, waits for those in flight. */
  stop(): Promise<Tally>;
}

export interface ClientTls {
  /** Paths of PEM files. */
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name to expect in the server's certificate, when it is not that of the address. */
  readonly name?: string;
}

/** A gRPC client in some language, connected to one address. */
export interface Peer extends AsyncDisposable {
  call(order: CallOrder): Promise<Outcome>;
  load(order: CallOrder, inFlight: number): Load;
}
