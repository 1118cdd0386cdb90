/**
 * Runs in routers and workers. The way out of a connection: the frames of one turn of the event loop leave in one
 * write. While the socket is full nothing is credited, so that links stop by themselves; a client that goes on
 * sending and does not read is not read from either.
 */
import type { Duplex } from 'node:stream';
import { FrameBuffer } from '../http2/frame-buffer.js';
import type { Clock } from '../shared/clock.js';

/** Where an outlet stops. */
export interface OutletBounds {
  /** Bytes that the socket may hold before it counts as full. Less than its high-water mark will not do. */
  readonly full: number;
  /** Bytes that wait for a full socket before its peer is not read from any more. */
  readonly mostWaiting: number;
  /** How long the peer may take to close its half after we closed ours, in milliseconds; null: as long as it likes. */
  readonly finTimeout: number | null;
}

/** `full`: enough to keep the kernel busy until there is more. */
const OF_CLIENTS: OutletBounds = { full: 256 * 1024, mostWaiting: 1024 * 1024, finTimeout: 1000 };

export interface OutletOptions {
  readonly clock: Clock;
  /** Those for a client unless told otherwise. */
  readonly bounds?: OutletBounds;
  /** The socket has taken what was written, and there is room for more. */
  readonly onSent: () => void;
  readonly onClose: () => void;
}

export class Outlet {
  readonly frames = new FrameBuffer();
  readonly #socket: Duplex;
  readonly #clock: Clock;
  readonly #onSent: () => void;
  readonly #bounds: OutletBounds;
  #writes = 0;
  /** Why the peer is not read from. */
  readonly #pauses = new Set<'full' | 'turn'>();
  #state: 'idle' | 'scheduled' | 'full' | 'ending' = 'idle';
  readonly #flush = (): void => {
    if (this.#state !== 'scheduled') return;
    this.#state = 'idle';
    this.#write();
    if (this.#socket.writableLength > this.#bounds.full) this.#state = 'full';
    else this.#onSent();
  };

  constructor(socket: Duplex, { clock, bounds = OF_CLIENTS, onSent, onClose }: OutletOptions) {
    this.#socket = socket;
    this.#clock = clock;
    this.#onSent = onSent;
    this.#bounds = bounds;
    socket.on('drain', () => this.#drained());
    // Whoever resets the connection ends it; `close` follows.
    socket.on('error', () => undefined);
    const { finTimeout } = bounds;
    if (finTimeout !== null) socket.once('finish', () => clock.after(finTimeout, () => socket.destroy()));
    socket.once('close', onClose);
  }

  /** Bytes that wait here and in the socket. */
  get buffered(): number {
    return this.frames.length + this.#socket.writableLength;
  }

  /** How often it has written: frames that came since it was asked wait as long as this stays the same. */
  get writes(): number {
    return this.#writes;
  }

  /** Frames are waiting: they leave when what happens at this moment has happened. */
  flushSoon(): void {
    if (this.#state === 'idle') {
      this.#state = 'scheduled';
      setImmediate(this.#flush);
    } else if (this.#state === 'full' && this.frames.length > this.#bounds.mostWaiting) {
      this.pauseReading('full');
    }
  }

  /** The peer is not read from until that is over. */
  pauseReading(why: 'full' | 'turn'): void {
    this.#pauses.add(why);
    this.#socket.pause();
  }

  /** That is over. */
  resumeReading(why: 'full' | 'turn'): void {
    if (this.#pauses.delete(why) && this.#pauses.size === 0) this.#socket.resume();
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
    this.#clock.after(this.#bounds.finTimeout ?? 0, () => this.#socket.destroy());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #write(): void {
    // What was not sent stays, for whoever wants to send it elsewhere.
    if (this.#socket.destroyed) return;
    this.#writes += 1;
    const buffers = this.frames.take();
    if (buffers.length === 0) return;
    if (buffers.length > 1) this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
    if (buffers.length > 1) this.#socket.uncork();
  }

  #drained(): void {
    if (this.#state !== 'full') return;
    this.#state = 'idle';
    this.resumeReading('full');
    if (this.frames.length > 0) this.flushSoon();
    this.#onSent();
  }
}
