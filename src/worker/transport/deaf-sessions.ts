/**
 * Runs in a worker. When a client breaks the protocol, nghttp2 says GOAWAY and listens no more, and for most faults
 * node:http2 does not hear of it: the session, its calls and its socket would stay for as long as the client likes.
 * Such a session sends nothing more either, so that it shows when it is asked for a ping.
 */
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** A deaf session is found after one or two of these, in milliseconds. */
const PERIOD = 3000;
const PING = Buffer.from('are you?', 'latin1');
/** Bytes of the client's answer. */
const ANSWER = 17;

interface Watched {
  readonly session: ServerHttp2Session;
  /** What the client will have sent when it has answered and nothing else: as long as it is that, all is well. */
  read: number;
  /** What had been sent when the session was asked. */
  asked: number | null;
}

export class DeafSessions {
  readonly #watched = new Map<Socket, Watched>();
  #timer: NodeJS.Timeout | null = null;

  /** Destroys the socket when its session is deaf. */
  watch(session: ServerHttp2Session, socket: Socket): void {
    this.#watched.set(socket, { session, read: 0, asked: null });
    socket.once('close', () => this.#watched.delete(socket));
    this.#timer ??= setInterval(() => this.#look(), PERIOD).unref();
  }

  #look(): void {
    for (const [socket, watched] of this.#watched) {
      if (watched.session.destroyed) continue;
      if (watched.asked === null) ask(socket, watched);
      else if (watched.asked === socket.bytesWritten && !isFull(socket)) socket.destroy();
      else watched.asked = null;
    }
    if (this.#watched.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** A client that has sent nothing has broken nothing. */
function ask(socket: Socket, watched: Watched): void {
  if (socket.bytesRead === watched.read) return;
  watched.read = socket.bytesRead + ANSWER;
  watched.asked = socket.bytesWritten;
  watched.session.ping(PING, () => undefined);
}

/** Whether bytes wait because the client does not read. What node:http2 writes does not pass the socket's own count. */
function isFull({ _handle: handle }: Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null }): boolean {
  return (handle?.writeQueueSize ?? 0) > 0;
}
