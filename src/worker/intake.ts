/**
 * Runs in a worker. Takes the sockets that the primary hands over (src/primary/dispatcher.ts), acknowledges them,
 * does TLS, and passes them to the transport. It owns the raw sockets: what does not end by itself is ended here.
 */
import type { Socket } from 'node:net';
import { createServer, type Server as TlsServer, type TlsOptions, type TLSSocket } from 'node:tls';
import type { Config } from '../config/options.js';
import { createTlsOptions, isClientAccepted } from '../config/tls-options.js';
import type { TlsMaterial } from '../config/certificates.js';
import type { FromWorker } from '../ipc/messages.js';
import type { Emit } from '../shared/events.js';
import type { Transport } from './transport/transport.js';

/** How long a TLS handshake may take, in milliseconds. */
const HANDSHAKE_TIMEOUT = 10_000;

export interface IntakeOptions {
  readonly tls: { readonly material: Pick<TlsMaterial, 'pem'>; readonly clientAuthentication: Config['clientAuthentication']; readonly ticketKeys: Buffer } | null;
  readonly transport: Transport;
  readonly send: (message: FromWorker) => void;
  readonly emit: Emit;
}

export class Intake {
  readonly #transport: Transport;
  readonly #send: (message: FromWorker) => void;
  readonly #emit: Emit;
  readonly #tls: TlsServer | null;
  readonly #tlsOptions: IntakeOptions['tls'];
  readonly #sockets = new Set<Socket>();
  #closed = 0;
  #lastId = 0;
  #youngest = -Infinity;
  /** Called whenever the last socket has closed. */
  onEmpty: () => void = () => undefined;

  constructor({ tls, transport, send, emit }: IntakeOptions) {
    this.#transport = transport;
    this.#send = send;
    this.#emit = emit;
    this.#tlsOptions = tls;
    this.#tls = tls === null ? null : this.#makeTlsServer(tls);
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
      this.#send({ type: 'socket-lost', id });
      return;
    }
    this.#send({ type: 'socket-taken', id });
    this.#sockets.add(socket);
    this.#youngest = performance.now();
    // Asked for now, the address is still known when the connection is gone.
    const { remoteAddress: _address } = socket;
    socket.on('error', () => undefined);
    socket.once('close', () => this.#noteClosed(socket));
    socket.setNoDelay(true);
    if (this.#tls === null) this.#transport.accept(socket);
    else this.#tls.emit('connection', socket);
  }

  /** Says that the socket was lost unless the order to take it, or a later one, has come; orders come in order. */
  confirm(id: number): void {
    if (id > this.#lastId) this.#send({ type: 'socket-lost', id });
  }

  /** From now on connections get these; those that are open, or in their handshake, stay as they are. */
  setCertificates(material: Pick<TlsMaterial, 'pem'>): void {
    if (this.#tlsOptions !== null) this.#tls?.setSecureContext(secureOptions({ ...this.#tlsOptions, material }));
  }

  /** Ends every connection at once. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #noteClosed(socket: Socket): void {
    this.#sockets.delete(socket);
    // One message for all that closed in this turn of the loop.
    if (this.#closed++ === 0) {
      setImmediate(() => {
        this.#send({ type: 'sockets-closed', count: this.#closed });
        this.#closed = 0;
      });
    }
    if (this.#sockets.size === 0) this.onEmpty();
  }

  #makeTlsServer(options: NonNullable<IntakeOptions['tls']>): TlsServer {
    const server = createServer({ ...secureOptions(options), handshakeTimeout: HANDSHAKE_TIMEOUT });
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => undefined);
      if (!isClientAccepted(socket)) {
        this.#refuse(socket, `client certificate: ${String(socket.authorizationError)}`);
      } else if (socket.alpnProtocol !== 'h2') {
        this.#refuse(socket, 'the client does not offer HTTP/2 (ALPN h2)');
      } else {
        this.#transport.accept(socket);
      }
    });
    // Node reports a failed or late handshake and leaves the socket open.
    server.on('tlsClientError', (error, socket) => {
      // A refused certificate ends the handshake as a mere reset; this has OpenSSL's reason.
      this.#refuse(socket, (socket.authorizationError as Error | string | null)?.toString() ?? error.message);
    });
    return server;
  }

  #refuse(socket: TLSSocket, error: string): void {
    this.#emit('connection.tls-failed', { peer: peerOf(socket), error });
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
