/**
 * Runs in routers and workers. The way out of a connection: the frames of one turn of the event loop leave in one
 * write. While the socket is full nothing is credited, so that links stop by themselves; a client that goes on
 * sending and does not read is not read from either.
 */
import type { Duplex } from 'node:stream';
import { FrameBuffer } from '../http2/frame-buffer.js';
import type { Clock } from '../shared/clock.js';

/** Bytes that the socket may hold before it counts as full: enough to keep the kernel busy until there is more. */
const FULL = 256 * 1024;
/** Bytes that wait for a full socket before the client is not read from any more. */
const MOST_WAITING = 1024 * 1024;
/** How long a client may take to close its half after we closed ours, in milliseconds. */
const FIN_TIMEOUT = 1000;

export interface OutletOptions {
  readonly clock: Clock;
  /** The socket has taken what was written, and there is room for more. */
  readonly onSent: () => void;
  readonly onClose: () => void;
}

export class Outlet {
  readonly frames = new FrameBuffer();
  readonly #socket: Duplex;
  readonly #clock: Clock;
  readonly #onSent: () => void;
  #state: 'idle' | 'scheduled' | 'full' | 'ending' = 'idle';
  readonly #flush = (): void => {
    if (this.#state !== 'scheduled') return;
    this.#state = 'idle';
    this.#write();
    if (this.#socket.writableLength > FULL) this.#state = 'full';
    else this.#onSent();
  };

  constructor(socket: Duplex, { clock, onSent, onClose }: OutletOptions) {
    this.#socket = socket;
    this.#clock = clock;
    this.#onSent = onSent;
    socket.on('drain', () => this.#drained());
    // Whoever resets the connection ends it; `close` follows.
    socket.on('error', () => undefined);
    socket.once('finish', () => this.#clock.after(FIN_TIMEOUT, () => this.#socket.destroy()));
    socket.once('close', onClose);
  }

  /** Bytes that wait here and in the socket. */
  get buffered(): number {
    return this.frames.length + this.#socket.writableLength;
  }

  /** Frames are waiting: they leave when what happens at this moment has happened. */
  flushSoon(): void {
    if (this.#state === 'idle') {
      this.#state = 'scheduled';
      setImmediate(this.#flush);
    } else if (this.#state === 'full' && this.frames.length > MOST_WAITING) {
      this.#socket.pause();
    }
  }

  /** Sends what waits, and `lastWords`, and closes our half; the rest of the socket follows its client. */
  end(lastWords?: Buffer): void {
    if (this.#state === 'ending') return;
    this.#write();
    this.#state = 'ending';
    this.#socket.end(lastWords);
    // To hear of its end.
    this.#socket.resume();
  }

  /** The same, for a client that may not even read it. */
  abort(lastWords?: Buffer): void {
    this.end(lastWords);
    this.#clock.after(FIN_TIMEOUT, () => this.#socket.destroy());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #write(): void {
    const buffers = this.frames.take();
    if (buffers.length === 0 || this.#socket.destroyed) return;
    if (buffers.length > 1) this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
    if (buffers.length > 1) this.#socket.uncork();
  }

  #drained(): void {
    if (this.#state !== 'full') return;
    this.#state = 'idle';
    this.#socket.resume();
    if (this.frames.length > 0) this.flushSoon();
    this.#onSent();
  }
}
