/**
 * Runs in the primary. HTTP for the admin page: small questions, small answers, and nothing that a client could hold
 * the daemon up with. One request a connection, and a time for all of it, because sockets come from a listener of ours
 * (src/primary/listener.ts) and not from node's own, which alone watches over its timeouts.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.js';

/** Of a connection, in milliseconds. */
const LIFETIME = 10_000;
const MOST_CONNECTIONS = 64;
const MOST_HEADER_BYTES = 16 * 1024;

export interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Question {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** Null when there is no such thing. */
export type Route = (question: Question) => Answer | null | Promise<Answer | null>;

export interface AdminHttpOptions {
  readonly clock: Clock;
  /** By method and path: `GET /livez`, or `GET /files/*` for all of a folder. HEAD is GET without its body. */
  readonly routes: Readonly<Record<string, Route>>;
  /** The answer to a question that is not to be answered; null for all others. */
  readonly refuse: (question: Question) => Answer | null;
  /** A route threw. */
  readonly onFailure: (path: string, error: unknown) => void;
}

const VERBS = ['GET', 'POST'];
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
    const { status, contentType = PLAIN, headers = {}, text } = await this.#answer(request);
    const bytes = Buffer.from(text);
    response.shouldKeepAlive = false;
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': bytes.length,
      'cache-control': 'no-store',
      ...headers,
    });
    // Node leaves the body out when the method is HEAD.
    response.end(bytes);
  }

  async #answer({ method = '', url = '', headers }: IncomingMessage): Promise<Answer> {
    const { routes, refuse, onFailure } = this.#options;
    const [path = '', search] = url.split('?', 2);
    const question: Question = { path, query: new URLSearchParams(search), headers };
    const verb = method === 'HEAD' ? 'GET' : method;
    try {
      const route = find(routes, verb, path);
      if (route !== null) return refuse(question) ?? (await route(question)) ?? this.#missing();
      const other = VERBS.find((each) => find(routes, each, path) !== null);
      if (other === undefined) return this.#missing();
      const allow = other === 'GET' ? 'GET, HEAD' : other;
      return { status: 405, headers: { allow }, text: `${allow.replace(', ', ' and ')} only.\n` };
    } catch (error) {
      onFailure(path, error);
      return { status: 500, text: 'This failed; the log says why.\n' };
    }
  }

  #missing(): Answer {
    const pages = Object.keys(this.#options.routes).flatMap((name) => /^GET (\/[^/]*)$/.exec(name)?.[1] ?? []);
    return { status: 404, text: `There is ${pages.join(', ')}.\n` };
  }
}

function find(routes: AdminHttpOptions['routes'], verb: string, path: string): Route | null {
  const names = [`${verb} ${path}`, `${verb} ${path.replace(/[^/]+$/, '*')}`];
  const name = names.find((each) => Object.hasOwn(routes, each));
  return name === undefined ? null : (routes[name] ?? null);
}
