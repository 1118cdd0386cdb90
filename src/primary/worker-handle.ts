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
import { Child, type ChildEvents } from './child.js';
import type { ForkedProcess } from './fork.js';
import type { Inspection } from './inspection.js';
import { LoadMeter } from './load-meter.js';
import type { WorkerView } from './reconcile.js';
import type { WorkerState } from './worker-state.js';

/** How many lines of a worker's output its error may quote. */
const LAST_LINES = 12;

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
  readonly meter = new LoadMeter<Load>();
  /** The first reason why it leaves. */
  cause: string | null = null;
  /** Set by the supervisor: milliseconds on the steady clock. */
  forkedAt: number;
  readyAt: number | null = null;
  lastSign: number;
  leavingSince = Infinity;
  killed = false;
  /** What a person is doing to it with `inspect`. */
  inspection: Inspection | null = null;
  /** Its share of the cap on calls, as it was told last. */
  callLimit: number | null = null;
  services: readonly ServiceInfo[] = [];
  /** What it had finished and cut when it said that it was drained. */
  drained: { readonly finished: number; readonly cut: readonly CallSummary[] } | null = null;
  /** Why it could not start, as it said itself. */
  failure: { readonly error: DaemonError; readonly permanent: boolean } | null = null;
  /** How long after the order to drain it asks its clients to leave, in milliseconds. */
  drainDelay = 0;
  /** What its clients came to. */
  readonly limits = new LimitBook();
  /** The last lines that user code printed, for the error of a worker that dies without a word. */
  readonly lastLines: string[] = [];
  #child: Child<ToWorker, FromWorker> | null = null;

  constructor({ id, slot, generation }: WorkerIdentity, now: number) {
    this.id = id;
    this.slot = slot;
    this.generation = generation;
    this.forkedAt = now;
    this.lastSign = now;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Said in every log line about it. */
  get label(): { slot: number; generation: number; worker: number | null } {
    return { slot: this.slot, generation: this.generation, worker: this.pid };
  }

  /** What it said of itself last. */
  get load(): Load | null {
    return this.meter.load;
  }

  get isForked(): boolean {
    return this.#child !== null;
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
  attach(process: ForkedProcess, { onMessage, onExit, onLine }: ChildEvents<FromWorker>): void {
    this.#child = new Child(process, {
      onMessage,
      onExit,
      onLine: (stream, line) => {
        this.lastLines.push(line);
        if (this.lastLines.length > LAST_LINES) this.lastLines.shift();
        onLine(stream, line);
      },
    });
  }

  /** As that of the channel; false as well when there is none yet. */
  send(message: ToWorker): boolean {
    return this.#child?.send(message) ?? false;
  }

  /** As that of the channel. */
  sendSocket(message: ToWorker, socket: Socket, onFailure: () => void): void {
    if (this.#child === null) onFailure();
    else this.#child.sendSocket(message, socket, onFailure);
  }

  kill(): void {
    this.killed = true;
    this.#child?.kill();
  }
}
