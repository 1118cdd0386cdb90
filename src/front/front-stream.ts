import type { Link } from './link.js';

/** What waits for the client's window or for the socket. */
export interface WaitingFrame {
  readonly kind: 'headers' | 'data';
  readonly buffer: Buffer;
  start: number;
  readonly end: number;
  readonly endStream: boolean;
}

/** Runs in routers and workers. A stream of which at least one side has not ended (RFC 9113 section 5.1). */
export class FrontStream {
  readonly id: number;
  link: Link;
  /** `half-closed` as seen by us: the client has ended its side. */
  state: 'open' | 'half-closed';
  /** What has come of the answer, whether it has gone to the client or waits here. */
  answer: 'none' | 'begun' | 'complete' = 'none';
  /** In order; null without any. */
  waiting: WaitingFrame[] | null = null;
  /** Bytes of DATA that the client has let us send beyond its initial window, and those that were written. */
  granted = 0;
  sent = 0;
  /** Bytes of DATA written since the last credit to the link. */
  written = 0;

  constructor(id: number, link: Link, state: 'open' | 'half-closed') {
    this.id = id;
    this.link = link;
    this.state = state;
  }
}
