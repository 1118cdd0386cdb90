/**
 * Runs in the primary. HTTP for the admin page: small questions, small answers, and nothing that a client could hold
 * the daemon up with. One request a connection, and a time for all of it, because sockets come from a listener of ours
 * (src/primary/listener.ts) and not from node's own, which alone watches over its timeouts.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.js';

/** Of a connection, in milliseconds. */
const LIFETIME = 10_000;
const MOST_CONNECTIONS = 64;
const MOST_HEADER_BYTES = 16 * 1024;

export interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly text: string;
}

export interface AdminHttpOptions {
  readonly clock: Clock;
  readonly routes: Readonly<Record<string, () => Answer | Promise<Answer>>>;
  /** A route threw. */
  readonly onFailure: (path: string, error: unknown) => void;
}

const PLAIN = 'text/plain; charset=utf-8';

export class AdminHttp {
  readonly #options: AdminHttpOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: AdminHttpOptions) {
    this.#options = options;
    this.#server = createServer({ maxHeaderSize: MOST_HEADER_BYTES }, (request, response) => void this.#serve(request, response));
  }

  /** Takes over an accepted, paused socket. */
  take(socket: Socket): void {
    if (this.#sockets.size >= MOST_CONNECTIONS) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    const cancel = this.#options.clock.after(LIFETIME, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.once('close', () => {
      cancel();
      this.#sockets.delete(socket);
    });
    this.#server.emit('connection', socket);
    socket.resume();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, contentType = PLAIN, text } = await this.#answer(request);
    const bytes = Buffer.from(text);
    response.shouldKeepAlive = false;
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': bytes.length,
      'cache-control': 'no-store',
      ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    });
    // Node leaves the body out when the method is HEAD.
    response.end(bytes);
  }

  async #answer({ method, url = '' }: IncomingMessage): Promise<Answer> {
    const { routes, onFailure } = this.#options;
    const [path = ''] = url.split('?');
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) return { status: 404, text: `There is ${Object.keys(routes).join(', ')}.\n` };
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'GET and HEAD only.\n' };
    try {
      return await route();
    } catch (error) {
      onFailure(path, error);
      return { status: 500, text: 'This failed; the log says why.\n' };
    }
  }
}
