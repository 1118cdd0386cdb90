/** What one client connection may do and how long it lasts. Times in milliseconds. */
export interface FrontLimits {
  readonly maxConcurrentStreams: number;
  /** Bytes of a header list, counted as RFC 9113 section 6.5.2 does. */
  readonly maxMetadataSize: number;
  /** Ping after this long without a byte from the client, close when the answer takes longer than `timeout` (gRFC A8). */
  readonly keepalive: {
    readonly time: number | null;
    readonly timeout: number;
    /** Pings of the client that come earlier after one another, while nothing is sent to it, are strikes; null: none are. */
    readonly minClientInterval: number | null;
  };
  /** Ask the client to reconnect after this long; its calls may go on for `maxConnectionAgeGrace` (gRFC A9). */
  readonly maxConnectionAge: number | null;
  readonly maxConnectionAgeGrace: number;
  /** Close a connection that had no call for this long (gRFC A9). */
  readonly maxConnectionIdle: number | null;
}

/** For the preface and the first SETTINGS, and then for the acknowledgement of ours, in milliseconds. */
export const HELLO_TIMEOUT = 10_000;
/** Bytes of DATA that a client may send ahead on a connection, over all its streams. */
export const CONNECTION_WINDOW = 8 * 1024 * 1024;
