/** Runs in a worker. Two ends of a connection that never leaves the process. */
import { Duplex } from 'node:stream';

class End extends Duplex {
  peer!: End;
  #resume: (() => void) | null = null;

  override _read(): void {
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.peer.push(chunk)) callback();
    else this.peer.#resume = callback;
  }

  override _final(callback: () => void): void {
    this.peer.push(null);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.peer.destroyed) this.peer.push(null);
    callback(error);
  }
}

export function duplexPair(): [Duplex, Duplex] {
  const near = new End();
  const far = new End();
  near.peer = far;
  far.peer = near;
  return [near, far];
}
