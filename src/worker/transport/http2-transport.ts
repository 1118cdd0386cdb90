/**
 * Runs in a worker. The transport on node:http2: one connection injector of grpc-js for each connection, so that
 * each can be drained by itself. (An injector costs about 20 us and 2 KiB; one that is not destroyed leaks.)
 */
import { connect, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { experimental, ServerCredentials, type Server, type ServerInterceptor } from '@grpc/grpc-js';
import { DaemonError } from '../../shared/errors.js';
import { catchServers } from './catch-servers.js';
import { DeafSessions } from './deaf-sessions.js';
import { duplexPair } from './duplex-pair.js';
import { dropUnreadable } from './readable-metadata.js';
import { unaryExchange } from './unary-exchange.js';
import type { Transport } from './transport.js';

/** What sufficed in hundreds of drains under load, in milliseconds. */
const SETTLE = 200;
/** How long a client may take to close its half after we closed ours, in milliseconds. */
const FIN_TIMEOUT = 1000;
/** The injector's own timer; calls and sockets are ended by the drain (src/worker/drain.ts) before that. */
const NEVER = 2 ** 31 - 1;

type Injector = ReturnType<Server['createConnectionInjector']>;

export class Http2Transport implements Transport {
  readonly settle = SETTLE;
  readonly #server: Server;
  readonly #credentials: ServerCredentials;
  readonly #connections = new Map<Injector, { readonly socket: Socket; readonly since: number }>();
  readonly #deaf = new DeafSessions();
  #isDraining = false;

  /** @param interceptors outermost first; they see every call but the self-call */
  constructor(server: Server, interceptors: readonly ServerInterceptor[]) {
    this.#server = server;
    this.#credentials = experimental.createServerCredentialsWithInterceptors(ServerCredentials.createInsecure(), [...interceptors]);
  }

  accept(socket: Socket): void {
    const { injector, sessions } = this.#makeInjector();
    // Before grpc-js's own listener.
    sessions.prependListener('stream', (_stream, headers: IncomingHttpHeaders) => dropUnreadable(headers));
    sessions.once('session', (session: ServerHttp2Session) => this.#deaf.watch(session, socket));
    this.#connections.set(injector, { socket, since: performance.now() });
    socket.once('close', () => {
      this.#connections.delete(injector);
      injector.destroy();
    });
    injector.injectConnection(socket);
    if (this.#isDraining) this.#drainOne(injector);
  }

  drain(): void {
    this.#isDraining = true;
    this.sendAway();
  }

  sendAway(): void {
    for (const injector of this.#connections.keys()) this.#drainOne(injector);
  }

  async selfCall(path: string, timeout: number): Promise<Buffer> {
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const [near, far] = duplexPair();
    injector.injectConnection(far);
    const session = connect('http://self-call', { createConnection: () => near });
    try {
      return await unaryExchange(session, path, timeout);
    } finally {
      session.destroy();
      injector.destroy();
    }
  }

  /** With the server inside it, which tells of the session. */
  #makeInjector(): { injector: Injector; sessions: Http2Server } {
    const made: Injector[] = [];
    const [sessions] = catchServers(() => made.push(this.#server.createConnectionInjector(this.#credentials)));
    const [injector] = made;
    if (injector === undefined || sessions === undefined) {
      throw new DaemonError('E_WORKER_BOOT', 'This @grpc/grpc-js makes no server of node:http2 for a connection.', {
        hint: 'Install the @grpc/grpc-js that grpcserverd asks for (~1.14).',
      });
    }
    return { injector, sessions };
  }

  #drainOne(injector: Injector): void {
    const connection = this.#connections.get(injector);
    if (connection === undefined) return;
    const wait = SETTLE - (performance.now() - connection.since);
    if (wait > 0) {
      setTimeout(() => this.#drainOne(injector), wait);
      return;
    }
    connection.socket.once('finish', () => {
      setTimeout(() => connection.socket.destroy(), FIN_TIMEOUT).unref();
    });
    injector.drain(NEVER);
  }
}
