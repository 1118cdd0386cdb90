import { Duplex } from 'node:stream';

/** A client's socket without a kernel: what the client sends is there at once. */
export class MemorySocket extends Duplex {
  // What of a TCP socket is asked for.
  readonly remoteAddress = '192.0.2.7';
  readonly remotePort = 40_001;
  readonly localAddress = '192.0.2.1';
  readonly localPort = 50_051;
  bytesRead = 0;
  bytesWritten = 0;
  readonly #onBytes: (bytes: Buffer) => void;
  #held: (() => void) | null = null;
  /** Whether the client takes what it is sent. */
  #isTaking = true;

  constructor(onBytes: (bytes: Buffer) => void) {
    super({ autoDestroy: true, writableHighWaterMark: 16_384 });
    this.#onBytes = onBytes;
  }

  override _read(): void {
    // What comes is pushed.
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.bytesWritten += chunk.length;
    this.#onBytes(chunk);
    if (this.#isTaking) callback();
    else this.#held = callback;
  }

  /** The client sends. */
  receive(bytes: Buffer): void {
    if (this.destroyed) return;
    this.bytesRead += bytes.length;
    this.push(bytes);
  }

  /** The client reads, or does not. */
  hold(isHolding: boolean): void {
    this.#isTaking = !isHolding;
    const held = this.#held;
    if (isHolding || held === null) return;
    this.#held = null;
    held();
  }
}
