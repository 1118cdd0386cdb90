/**
 * Runs in the primary. One worker as the primary sees it: its place in the life table, its times, its channel. The
 * supervisor drives it; the process itself is src/worker/main.ts.
 */
import type { Socket } from 'node:net';
import type { CallSummary, FromWorker, Load, ToWorker } from '../ipc/messages.js';
import type { DaemonError } from '../shared/errors.js';
import type { ServiceInfo } from '../shared/service-info.js';
import { LimitBook } from './limit-book.js';
import { deadlineOf, type DeadlineLimits } from './deadline-of.js';
import type { ForkedProcess } from './fork.js';
import type { Inspection } from './inspection.js';
import type { WorkerView } from './reconcile.js';
import type { WorkerState } from './worker-state.js';

/** How many lines of a worker's output its error may quote. */
const LAST_LINES = 12;

export interface HandleEvents {
  onMessage(message: FromWorker): void;
  onExit(exitCode: number | null, signal: string | null): void;
  onLine(stream: 'stdout' | 'stderr', line: string): void;
}

export interface WorkerIdentity {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
}

export class WorkerHandle implements WorkerView {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  state: WorkerState = 'starting';
  recycle: string | null = null;
  /** The first reason why it leaves. */
  cause: string | null = null;
  /** Set by the supervisor: milliseconds on the steady clock. */
  forkedAt: number;
  readyAt: number | null = null;
  lastSign: number;
  leavingSince = Infinity;
  killed = false;
  load: Load | null = null;
  /** What a person is doing to it with `inspect`. */
  inspection: Inspection | null = null;
  #loadAt = 0;
  /** Its share of the cap on calls, as it was told last. */
  callLimit: number | null = null;
  services: readonly ServiceInfo[] = [];
  /** What it had finished and cut when it said that it was drained. */
  drained: { readonly finished: number; readonly cut: readonly CallSummary[] } | null = null;
  /** Why it could not start, as it said itself. */
  failure: { readonly error: DaemonError; readonly permanent: boolean } | null = null;
  /** How long after the order to drain it asks its clients to leave, in milliseconds. */
  drainDelay = 0;
  callsPerSecond = 0;
  /** What its clients came to. */
  readonly limits = new LimitBook();
  /** The last lines that user code printed, for the error of a worker that dies without a word. */
  readonly lastLines: string[] = [];
  #process: ForkedProcess | null = null;

  constructor({ id, slot, generation }: WorkerIdentity, now: number) {
    this.id = id;
    this.slot = slot;
    this.generation = generation;
    this.forkedAt = now;
    this.lastSign = now;
  }

  get pid(): number | null {
    return this.#process?.worker.process.pid ?? null;
  }

  /** Said in every log line about it. */
  get label(): { slot: number; generation: number; worker: number | null } {
    return { slot: this.slot, generation: this.generation, worker: this.pid };
  }

  get isForked(): boolean {
    return this.#process !== null;
  }

  /** Takes what a heartbeat says. */
  noteLoad(load: Load, now: number): void {
    const seconds = (now - this.#loadAt) / 1000;
    this.callsPerSecond = this.load === null || seconds <= 0 ? 0 : (load.calls - this.load.calls) / seconds;
    this.load = load;
    this.#loadAt = now;
  }

  /** Milliseconds since the last heartbeat; 0 before the first. */
  loadAge(now: number): number {
    return this.load === null ? 0 : now - this.#loadAt;
  }

  /** Until when it may be silent although it does not hang; -Infinity when nobody looks into it. */
  get excusedUntil(): number {
    return this.inspection?.until ?? -Infinity;
  }

  deadline(limits: DeadlineLimits): number {
    // A worker that waits for its turn to boot has no process that could be late.
    if (!this.isForked && this.state === 'starting') return Infinity;
    return deadlineOf(this.state, this.killed, this, limits);
  }

  /** @throws Error when the process could not be made */
  attach(process: ForkedProcess, events: HandleEvents, readLines: ReadLines): void {
    const { worker, stdout, stderr } = process;
    // A fork that failed, or a message to a process that just died: what follows says all there is to say.
    worker.on('error', () => undefined);
    if (worker.process.pid === undefined) throw new Error('the system has no room for another process');
    this.#process = process;
    worker.on('message', (message: FromWorker) => {
      events.onMessage(message);
    });
    worker.process.once('exit', (exitCode, signal) => {
      events.onExit(exitCode, signal);
    });
    const pass = (name: 'stdout' | 'stderr') => (line: string) => {
      this.lastLines.push(line);
      if (this.lastLines.length > LAST_LINES) this.lastLines.shift();
      events.onLine(name, line);
    };
    if (stdout !== null) readLines(stdout, pass('stdout'));
    if (stderr !== null) readLines(stderr, pass('stderr'));
  }

  /** Sends an order; false when the channel is closed. Failures later on show as the worker's exit. */
  send(message: ToWorker): boolean {
    const worker = this.#process?.worker;
    if (worker?.isConnected() !== true) return false;
    worker.send(message, () => undefined);
    return true;
  }

  /** Hands a socket over and keeps our copy of it open; `onFailure` when the channel refused it. */
  sendSocket(message: ToWorker, socket: Socket, onFailure: () => void): void {
    const worker = this.#process?.worker;
    if (worker?.isConnected() !== true) {
      onFailure();
      return;
    }
    worker.send(message, socket, { keepOpen: true }, (error) => {
      if (error !== null) onFailure();
    });
  }

  kill(): void {
    this.killed = true;
    // Node sends the signal only while it has not reaped the process, so a pid used again is never hit.
    this.#process?.worker.process.kill('SIGKILL');
  }
}

export type ReadLines = (stream: NonNullable<ForkedProcess['stdout']>, onLine: (line: string) => void) => void;
