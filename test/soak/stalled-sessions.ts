/**
 * The sessions of the grpc-js client in this process, seen from below. Over TLS, on a machine with too much to do, a session
 * of node:http2 may stand still for ever: it has frames to send, nothing keeps its socket from taking them, and it neither
 * writes nor reads. It does so with no daemon anywhere, too (npm run bench -- stalled-client). Such a session is ended here,
 * as the keepalive of a client would end it, and the account is told of it.
 */
import http2, { type ClientHttp2Session } from 'node:http2';
import type { Account, Cuts } from './account.js';
import { listSockets } from './list-sockets.js';

/** So many looks without a byte written are no accident, however little time this process gets. */
const LOOKS = 10;
/** Until all its calls have noticed, in milliseconds. */
const NOTICE = 5000;

/** Calls end with INTERNAL when it is the client that gives up their session. */
const CUTS: Cuts = { client: 'grpc-js', codes: ['UNAVAILABLE', 'INTERNAL'] };

interface Seen {
  written: number;
  /** Looks since then, and when the first of them was. */
  looks: number;
  since: number;
}

export class StalledSessions implements Disposable {
  readonly #account: Account;
  readonly #connect = http2.connect;
  readonly #sessions = new Map<ClientHttp2Session, Seen>();

  constructor(account: Account) {
    this.#account = account;
    const { connect } = http2;
    // grpc-js looks it up for each connection.
    http2.connect = ((...args: Parameters<typeof connect>) => {
      const session = connect(...args);
      this.#sessions.set(session, { written: -1, looks: 0, since: 0 });
      session.once('close', () => this.#sessions.delete(session));
      return session;
    }) as typeof connect;
  }

  /** To be called once in a while. */
  async look(): Promise<void> {
    for (const [session, seen] of this.#sessions) {
      // Its socket can be asked nothing any more.
      if (session.destroyed) continue;
      const { socket } = session;
      const hasMore = (session.state.outboundQueueSize ?? 0) > 0 && socket.writableLength === 0;
      if (!hasMore || socket.bytesWritten !== seen.written) {
        Object.assign(seen, { written: socket.bytesWritten, looks: 0, since: performance.now() });
      } else if (++seen.looks >= LOOKS && (await isKernelIdle(socket.localPort))) {
        this.#account.disturbed('a client of node:http2 that stands still', seen.since, performance.now() + NOTICE, CUTS);
        session.destroy();
      }
    }
  }

  [Symbol.dispose](): void {
    http2.connect = this.#connect;
  }
}

/** Nothing that was written to the socket of that port waits for its peer; a socket that the peer has closed is not listed. */
async function isKernelIdle(port: number | undefined): Promise<boolean> {
  const [, , unsent] = (await listSockets(`( sport = :${port ?? 0} )`)).trim().split(/\s+/);
  return unsent === undefined || unsent === '0';
}
