/** Runs in the primary. One router as the primary sees it: its state, its times, its channel. The process is src/router/main.ts. */
import type { Socket } from 'node:net';
import type { FromRouter, RouterLoad, ToRouter } from '../../ipc/router-messages.js';
import { readLines } from '../console-lines.js';
import type { ForkedProcess } from '../fork.js';
import { LimitBook } from '../limit-book.js';
import type { UnitBorrower } from '../unit-owner.js';

export type RouterState = 'starting' | 'ready' | 'draining' | 'gone';

export interface RouterEvents {
  readonly onMessage: (message: FromRouter) => void;
  readonly onExit: (exitCode: number | null, signal: string | null) => void;
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
}

export class RouterHandle implements UnitBorrower {
  readonly id: number;
  readonly index: number;
  /** Milliseconds on the steady clock. */
  readonly forkedAt: number;
  state: RouterState = 'starting';
  readyAt: number | null = null;
  lastSign: number;
  load: RouterLoad | null = null;
  callsPerSecond = 0;
  /** What its clients came to. */
  readonly limits = new LimitBook();
  #loadAt = 0;
  readonly #process: ForkedProcess;

  constructor(id: number, index: number, process: ForkedProcess, now: number) {
    this.id = id;
    this.index = index;
    this.#process = process;
    this.forkedAt = now;
    this.lastSign = now;
  }

  get pid(): number | null {
    return this.#process.worker.process.pid ?? null;
  }

  /** Said in every log line about it. */
  get label(): { index: number; router: number | null } {
    return { index: this.index, router: this.pid };
  }

  /** @throws Error when the process could not be made */
  listen({ onMessage, onExit, onLine }: RouterEvents): void {
    const { worker, stdout, stderr } = this.#process;
    // A fork that failed, or a message to a process that just died: what follows says all there is to say.
    worker.on('error', () => undefined);
    if (worker.process.pid === undefined) throw new Error('the system has no room for another process');
    worker.on('message', onMessage);
    worker.process.once('exit', onExit);
    // It prints nothing but why it dies.
    if (stdout !== null) readLines(stdout, (line) => onLine('stdout', line));
    if (stderr !== null) readLines(stderr, (line) => onLine('stderr', line));
  }

  noteLoad(load: RouterLoad, now: number): void {
    const seconds = (now - this.#loadAt) / 1000;
    this.callsPerSecond = this.load === null || seconds <= 0 ? 0 : (load.calls - this.load.calls) / seconds;
    this.load = load;
    this.#loadAt = now;
  }

  send(message: ToRouter): void {
    const { worker } = this.#process;
    if (worker.isConnected()) worker.send(message, () => undefined);
  }

  /** Hands a socket over and keeps our copy of it open; `onFailure` when the channel refused it. */
  sendSocket(message: ToRouter, socket: Socket, onFailure: () => void): void {
    const { worker } = this.#process;
    if (!worker.isConnected()) {
      onFailure();
      return;
    }
    worker.send(message, socket, { keepOpen: true }, (error) => {
      if (error !== null) onFailure();
    });
  }

  lend(count: number | null, isAlone: boolean): void {
    this.send({ type: 'lend-units', count, isAlone });
  }

  reclaim(count: number, when: 'now' | 'later'): void {
    this.send({ type: 'reclaim-units', count, when });
  }

  kill(): void {
    this.#process.worker.process.kill('SIGKILL');
  }
}
