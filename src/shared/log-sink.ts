import { writeSync } from 'node:fs';
import { systemClock, type Clock } from './clock.js';
import { systemCode } from './errors.js';

/** What may wait for a reader that is slow for a moment, in bytes; beyond that lines are dropped. */
const BUFFER_LIMIT = 2 ** 20;
/** How soon a full pipe is tried again, in milliseconds. */
const RETRY_INTERVAL = 10;
/** What the last lines of a process may take to get out at its exit, in milliseconds. */
const EXIT_PATIENCE = 200;

type WriteFile = (fd: number, bytes: Buffer, offset: number) => number;

/**
 * Writes log lines to a file descriptor without ever throwing, blocking or ending the process. A pipe whose reader
 * is slow is waited for within bounds; a line that cannot be written (disk full, reader gone or too slow) is
 * dropped and counted. A line whose beginning is out is always finished before another, so none is cut in half
 * while the reader lives.
 */
export class LogSink {
  readonly #fd: number;
  readonly #clock: Clock;
  readonly #writeFile: WriteFile;
  #waiting: Buffer[] = [];
  #bytes = 0;
  /** How much of the first waiting line is out. */
  #offset = 0;
  #state: 'free' | 'blocked' = 'free';
  #dropped = 0;
  #isFailing = false;
  #error = '';

  constructor(fd: number, clock: Clock = systemClock, writeFile: WriteFile = writeSync) {
    this.#fd = fd;
    this.#clock = clock;
    this.#writeFile = writeFile;
    process.once('exit', () => this.#flushAtExit());
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#bytes + bytes.length > BUFFER_LIMIT) {
      this.#dropped += 1;
      this.#error = 'EAGAIN';
      this.#isFailing = true;
      return;
    }
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (this.#state === 'free') this.#flush();
  }

  /** Whether the last line was lost or still waits. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Lines lost since the last call, and the last reason. */
  takeDropped(): { lines: number; error: string } {
    const taken = { lines: this.#dropped, error: this.#error };
    this.#dropped = 0;
    return taken;
  }

  #flush(): void {
    try {
      for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
        while (this.#offset < line.length) this.#offset += this.#writeFile(this.#fd, line, this.#offset);
        this.#waiting.shift();
        this.#bytes -= line.length;
        this.#offset = 0;
      }
      this.#isFailing = false;
    } catch (error) {
      this.#fail(systemCode(error) ?? 'unknown');
    }
  }

  #fail(error: string): void {
    this.#isFailing = true;
    if (error === 'EAGAIN') {
      if (this.#state === 'blocked') return;
      this.#state = 'blocked';
      this.#clock.after(RETRY_INTERVAL, () => {
        this.#state = 'free';
        this.#flush();
      });
      return;
    }
    this.#error = error;
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    this.#bytes = 0;
    this.#offset = 0;
  }

  #flushAtExit(): void {
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    const end = performance.now() + EXIT_PATIENCE;
    this.#flush();
    while (this.#waiting.length > 0 && performance.now() < end) {
      Atomics.wait(sleeper, 0, 0, RETRY_INTERVAL);
      this.#flush();
    }
  }
}
