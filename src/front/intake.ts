/**
 * Runs in routers and workers. Takes the sockets that the primary hands over (src/primary/dispatcher.ts), acknowledges
 * them, does TLS, and passes them on. It owns the raw sockets: what does not end by itself is ended here.
 */
import type { Socket } from 'node:net';
import { createServer, type Server as TlsServer, type TlsOptions, type TLSSocket } from 'node:tls';
import type { Config } from '../config/options.js';
import { createTlsOptions, isClientAccepted } from '../config/tls-options.js';
import type { TlsMaterial } from '../config/certificates.js';
import type { ClientLimit } from '../shared/client-limits.js';
import { systemCode } from '../shared/errors.js';

/** How long a TLS handshake may take, in milliseconds. */
const HANDSHAKE_TIMEOUT = 10_000;

export interface IntakeOptions {
  readonly tls: { readonly material: Pick<TlsMaterial, 'pem'>; readonly clientAuthentication: Config['clientAuthentication']; readonly ticketKeys: Buffer } | null;
  /** Serves a connection: a TCP or unix socket, or a TLS session whose handshake is done. */
  readonly accept: (socket: Socket) => void;
  /** What the primary is to hear, of sockets by the id of its order. */
  readonly onTaken: (id: number) => void;
  readonly onLost: (id: number) => void;
  readonly onClosed: (ids: readonly number[]) => void;
  /** A handshake failed, or the client may not stay. */
  readonly onTlsFailed: (peer: string, error: string) => void;
  /** A client came to a limit. */
  readonly onLimit: (limit: ClientLimit, peer: string) => void;
}

export class Intake {
  readonly #options: IntakeOptions;
  #settings: IntakeOptions['tls'];
  #tls: TlsServer | null;
  readonly #sockets = new Set<Socket>();
  #closed: number[] = [];
  #lastId = 0;
  #youngest = -Infinity;
  /** Called whenever the last socket has closed. */
  onEmpty: () => void = () => undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#settings = options.tls;
    this.#tls = options.tls === null ? null : this.#makeTlsServer(options.tls);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** When the youngest connection came, on the clock of performance.now(). */
  get youngest(): number {
    return this.#youngest;
  }

  take(id: number, socket: Socket | undefined): void {
    this.#lastId = id;
    if (socket === undefined) {
      this.#options.onLost(id);
      return;
    }
    this.#options.onTaken(id);
    this.#sockets.add(socket);
    this.#youngest = performance.now();
    // Asked for now, the address is still known when the connection is gone.
    const { remoteAddress: _address } = socket;
    socket.on('error', () => undefined);
    socket.once('close', () => this.#noteClosed(id, socket));
    socket.setNoDelay(true);
    if (this.#tls === null) this.#options.accept(socket);
    else this.#tls.emit('connection', socket);
  }

  /** Says that the socket was lost unless the order to take it, or a later one, has come; orders come in order. */
  confirm(id: number): void {
    if (id > this.#lastId) this.#options.onLost(id);
  }

  /** From now on connections get these; those that are open, or in their handshake, stay as they are. */
  setCertificates(material: Pick<TlsMaterial, 'pem'>): void {
    if (this.#settings !== null) this.#tls?.setSecureContext(secureOptions({ ...this.#settings, material }));
  }

  /** From now on connections need this; null: no TLS. One that is in its handshake is refused, for it began under another rule. */
  setTls(settings: IntakeOptions['tls']): void {
    this.#settings = settings;
    this.#tls = settings === null ? null : this.#makeTlsServer(settings);
  }

  /** Ends every connection at once. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #noteClosed(id: number, socket: Socket): void {
    this.#sockets.delete(socket);
    // One message for all that closed in this turn of the loop.
    if (this.#closed.push(id) === 1) {
      setImmediate(() => {
        this.#options.onClosed(this.#closed);
        this.#closed = [];
      });
    }
    if (this.#sockets.size === 0) this.onEmpty();
  }

  #makeTlsServer(options: NonNullable<IntakeOptions['tls']>): TlsServer {
    const server = createServer({ ...secureOptions(options), handshakeTimeout: HANDSHAKE_TIMEOUT });
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => undefined);
      if (server !== this.#tls) socket.destroy();
      else if (!isClientAccepted(socket)) {
        this.#refuse(socket, `client certificate: ${String(socket.authorizationError)}`);
      } else if (socket.alpnProtocol !== 'h2') {
        this.#refuse(socket, 'the client does not offer HTTP/2 (ALPN h2)');
      } else {
        this.#options.accept(socket);
      }
    });
    // Node reports a failed or late handshake and leaves the socket open.
    server.on('tlsClientError', (error, socket) => {
      if (systemCode(error) === 'ERR_TLS_HANDSHAKE_TIMEOUT') this.#options.onLimit('tls-handshake', peerOf(socket));
      // A refused certificate ends the handshake as a mere reset; this has OpenSSL's reason.
      this.#refuse(socket, (socket.authorizationError as Error | string | null)?.toString() ?? error.message);
    });
    return server;
  }

  #refuse(socket: TLSSocket, error: string): void {
    this.#options.onTlsFailed(peerOf(socket), error);
    socket.destroy();
  }
}

function secureOptions({ material, clientAuthentication, ticketKeys }: NonNullable<IntakeOptions['tls']>): TlsOptions {
  return { ...createTlsOptions(material, clientAuthentication), ticketKeys };
}

/** A TLS socket that failed knows its address only through the socket below it, which Node does not publish. */
function peerOf(socket: TLSSocket & { readonly _parent?: Socket }): string {
  const { remoteAddress, remotePort } = socket.remoteAddress === undefined ? (socket._parent ?? socket) : socket;
  return `${remoteAddress ?? 'unknown'}:${remotePort ?? 0}`;
}
