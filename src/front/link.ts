/**
 * Runs in routers and workers. The seam between the client's connection (this folder) and whoever answers its calls:
 * in a worker src/worker/transport directly, in a router a private connection to a worker.
 *
 * Stream ids are the client's own. Header blocks are whole, and context-free: each field is a literal or an index
 * of the static table, so that they mean the same on every connection (RFC 7541 section 2.3). Bytes are passed as
 * (buffer, start, end) and belong to the caller again after the call, so that a small frame costs no object; whoever
 * keeps some of them copies them or takes a subarray.
 *
 * Windows: those of streams are end to end, and pass through the seam as they are. Those of connections end here.
 */

/** Toward the worker. */
export interface Link {
  /** Opens the stream; on a stream that is open, ends the client's messages (trailers, always with `endStream`). */
  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void;
  /** Payload without its padding; may be empty when `endStream`. Answered with `took` once there is room for more. */
  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void;
  /** The client has given the call up. Not after the link has ended its side: then it knows all there is to know. */
  reset(id: number, code: number): void;
  /** The client takes that many more bytes of DATA on the stream. */
  windowUpdate(id: number, increment: number): void;
  /** That many bytes of DATA that came through the link have gone to the client, or were dropped. Never from within `data`. */
  credit(bytes: number): void;
}

/** The links of one client connection. */
export interface Links {
  /** The one that is to answer a new call. Its header block is context-free. */
  choose(id: number, buffer: Buffer, start: number, end: number): Link;
  /**
   * The client has changed its settings. `applied` is called when nothing that is sent from then on exceeds them.
   * @param initialWindow in bytes; applies to streams that are open, too (RFC 9113 section 6.9.2)
   */
  settings(initialWindow: number, applied: () => void): void;
  /** The connection is gone, and with it all its streams. Nothing is called on the owner afterwards. */
  close(): void;
}

/** Toward the client. */
export interface LinkOwner {
  /** Answer headers, or trailers with `endStream`. */
  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void;
  /**
   * At most 16384 bytes, within the stream's window and within LINK_WINDOW bytes that no `credit` came back for.
   * The bytes are kept until they have gone, and must not change.
   */
  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void;
  /** Ends the stream at once, whatever is on its way to the client. */
  reset(id: number, code: number): void;
  /** The client may send that many more bytes of DATA on the stream. */
  windowUpdate(id: number, increment: number): void;
  /** That many bytes of the client's DATA are dealt with, or parked within bounds: it may send as many on any stream. */
  took(bytes: number): void;
  /** The client broke the protocol in a way that only the link can see: its connection ends with that code. */
  fail(code: number, reason: string): void;
}

/** Toward the client, from links that may be lost while it stays: those of a router. */
export interface SwitchOwner extends LinkOwner {
  /** @returns false when the stream was over: the bytes were dropped, and no `credit` comes back for them */
  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): boolean;
  /** From now on the stream is that link's. Nothing of its answer has come yet. */
  move(id: number, link: Link): void;
  /**
   * The link is gone without a word. Its calls that have no complete answer end with UNAVAILABLE.
   * @param reason for people
   * @returns how many those are
   */
  lost(link: Link, reason: string): number;
}

/** Bytes of DATA that a link may have on its way to the client, over all streams of a connection. */
export const LINK_WINDOW = 512 * 1024;
