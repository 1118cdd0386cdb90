import { writeSync } from 'node:fs';
import { systemCode } from './errors.js';

/** Longest unfinished line that is kept while the other end does not read. */
const REST_LIMIT = 64 * 1024;

/**
 * Writes log lines to a file descriptor without ever throwing, blocking or ending the process: a line that cannot
 * be written (disk full, reader gone or too slow) is dropped and counted. A line is never cut in half: what the
 * system took only in part is finished before the next one.
 */
export class LogSink {
  readonly #fd: number;
  #rest: Buffer | null = null;
  #dropped = 0;
  #error = '';

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: string): void {
    if (!this.#finishRest()) {
      this.#dropped += 1;
      return;
    }
    this.#push(Buffer.from(line));
  }

  /** Lines lost since the last call, and the last reason. */
  takeDropped(): { lines: number; error: string } {
    const taken = { lines: this.#dropped, error: this.#error };
    this.#dropped = 0;
    return taken;
  }

  #finishRest(): boolean {
    if (this.#rest === null) return true;
    const rest = this.#rest;
    this.#rest = null;
    this.#push(rest, true);
    return (this.#rest as Buffer | null) === null;
  }

  #push(bytes: Buffer, isRest = false): void {
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written);
    } catch (error) {
      this.#error = systemCode(error) ?? 'unknown';
      const begun = isRest || written > 0;
      if (begun && this.#error === 'EAGAIN' && bytes.length - written <= REST_LIMIT) {
        this.#rest = bytes.subarray(written);
      } else {
        this.#dropped += 1;
      }
    }
  }
}
