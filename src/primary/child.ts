/** Runs in the primary. A worker or a router as a process: its channel, what it prints, its end. */
import type { Socket } from 'node:net';
import { readLines } from './console-lines.js';
import type { ForkedProcess } from './fork.js';

export interface ChildEvents<From> {
  readonly onMessage: (message: From) => void;
  readonly onExit: (exitCode: number | null, signal: string | null) => void;
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
}

export class Child<To extends object, From> {
  readonly #process: ForkedProcess;

  /** @throws Error when the process could not be made */
  constructor(process: ForkedProcess, { onMessage, onExit, onLine }: ChildEvents<From>) {
    const { worker, stdout, stderr } = process;
    this.#process = process;
    // A fork that failed, or a message to a process that just died: what follows says all there is to say.
    worker.on('error', () => undefined);
    if (worker.process.pid === undefined) throw new Error('the system has no room for another process');
    worker.on('message', onMessage);
    worker.process.once('exit', onExit);
    if (stdout !== null) readLines(stdout, (line) => onLine('stdout', line));
    if (stderr !== null) readLines(stderr, (line) => onLine('stderr', line));
  }

  get pid(): number | null {
    return this.#process.worker.process.pid ?? null;
  }

  /** Sends an order; false when the channel is closed. Failures later on show as the exit of the process. */
  send(message: To): boolean {
    const { worker } = this.#process;
    if (!worker.isConnected()) return false;
    worker.send(message, () => undefined);
    return true;
  }

  /** Hands a socket over and keeps our copy of it open; `onFailure` when the channel refused it. */
  sendSocket(message: To, socket: Socket, onFailure: () => void): void {
    const { worker } = this.#process;
    if (!worker.isConnected()) {
      onFailure();
      return;
    }
    worker.send(message, socket, { keepOpen: true }, (error) => {
      if (error !== null) onFailure();
    });
  }

  kill(): void {
    // Node sends the signal only while it has not reaped the process, so a pid used again is never hit.
    this.#process.worker.process.kill('SIGKILL');
  }
}
