/**
 * Runs in the primary. The one owner of the fleet: signals, control calls, messages, exits and timers all become
 * inputs in one queue, and one loop takes an input, steps the life table, reconciles, and acts. The workers'
 * half is src/worker/main.ts.
 */
import pLimit, { type LimitFunction } from 'p-limit';
import type { FromWorker, ToWorker } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import { deferred, type Deferred } from '../shared/deferred.js';
import { DaemonError, toError } from '../shared/errors.js';
import type { Emit } from '../shared/events.js';
import { EXIT } from '../shared/exit-codes.js';
import { afterCrash, CLEAN_BUDGET, type CrashBudget } from './crash-budget.js';
import { readLines } from './console-lines.js';
import type { DeadlineLimits } from './deadline-of.js';
import type { Dispatcher } from './dispatcher.js';
import type { ForkedProcess } from './fork.js';
import { reconcile, type Action, type Goal } from './reconcile.js';
import { WorkerHandle } from './worker-handle.js';
import { LIFE, type WorkerAction, type WorkerEvent } from './worker-state.js';

/** What a quick stop leaves the calls in flight, in milliseconds. */
export const QUICK_STOP = 2000;
/** What a worker may need on top of the calls' timeouts: settling, its last resorts, shutdown hooks; in ms. */
const DRAIN_MARGIN = 8000;
/** A slot is recycled at most this often, in milliseconds, so that one poisonous call does not keep it restarting. */
const RECYCLE_INTERVAL = 60_000;

export type Phase = 'booting' | 'serving' | 'stopping';

export interface Outcome {
  readonly exitCode: number;
  /** Why the daemon had to end; null after a stop that was asked for. */
  readonly error: DaemonError | null;
  readonly cut: number;
}

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly random: () => number;
  readonly fork: () => ForkedProcess;
  readonly dispatcher: Dispatcher;
  readonly workers: number;
  readonly bootConcurrency: number;
  readonly startTimeout: number;
  readonly hangTimeout: number;
  /** The longest of the timeouts that calls get in a worker that leaves, in milliseconds. */
  readonly gracefulTimeout: number;
  /** The order that starts the worker of a slot. */
  readonly startMessage: (slot: number, generation: number) => ToWorker;
  /** Called once, when the fleet of the first start is ready. */
  readonly onReady: () => void;
  /** Called once, when a stop begins: no new connections from here on. */
  readonly onStopping: () => void;
}

type Input =
  | { readonly type: 'event'; readonly handle: WorkerHandle; readonly event: WorkerEvent; readonly cause?: string }
  | { readonly type: 'message'; readonly handle: WorkerHandle; readonly message: FromWorker }
  | { readonly type: 'exit'; readonly handle: WorkerHandle; readonly exitCode: number | null; readonly signal: string | null }
  | { readonly type: 'stop'; readonly cause: string; readonly quick: boolean }
  | { readonly type: 'wake' };

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #fleet = new Map<number, WorkerHandle>();
  readonly #budgets = new Map<number, CrashBudget>();
  readonly #forks = new Map<number, number>();
  readonly #recycledAt = new Map<number, number>();
  readonly #booting = new Map<number, Deferred<void>>();
  readonly #bootLimit: LimitFunction;
  readonly #inputs: Input[] = [];
  readonly #finished = deferred<Outcome>();
  readonly #startedAt: number;
  #isLooping = false;
  #cancelWake: () => void = () => undefined;
  #goal: Goal;
  #phase: Phase = 'booting';
  #quick = false;
  #nextId = 1;
  #cut = 0;
  #firstError: DaemonError | null = null;
  #fatal: DaemonError | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#goal = { workers: options.workers, generation: 1 };
    this.#bootLimit = pLimit(options.bootConcurrency);
    this.#startedAt = options.clock.monotonic();
  }

  get phase(): Phase {
    return this.#phase;
  }

  get goal(): Goal {
    return this.#goal;
  }

  /** The workers that are not gone, by slot. */
  get workers(): WorkerHandle[] {
    return [...this.#fleet.values()].sort((a, b) => a.slot - b.slot || a.id - b.id);
  }

  get firstError(): DaemonError | null {
    return this.#firstError;
  }

  /** Resolves when the last worker is gone after a stop, or when the daemon cannot go on. */
  get finished(): Promise<Outcome> {
    return this.#finished.promise;
  }

  restarts(slot: number): number {
    return Math.max(0, (this.#forks.get(slot) ?? 0) - 1);
  }

  crashes(slot: number): number {
    return this.#budgets.get(slot)?.crashes ?? 0;
  }

  start(): void {
    this.#post({ type: 'wake' });
  }

  stop(cause: string, quick: boolean): void {
    this.#post({ type: 'stop', cause, quick });
  }

  #post(input: Input): void {
    this.#inputs.push(input);
    if (this.#isLooping) return;
    this.#isLooping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        this.#take(next);
        this.#repair();
      }
    } finally {
      this.#isLooping = false;
    }
    this.#wakeLater();
  }

  #take(input: Input): void {
    switch (input.type) {
      case 'event':
        this.#step(input.handle, input.event, input.cause);
        break;
      case 'message':
        this.#takeMessage(input.handle, input.message);
        break;
      case 'exit':
        this.#takeExit(input.handle, input.exitCode, input.signal);
        break;
      case 'stop':
        this.#takeStop(input.cause, input.quick);
        break;
      case 'wake':
        this.#takeWake();
        break;
    }
  }

  #takeMessage(handle: WorkerHandle, message: FromWorker): void {
    const { dispatcher, emit } = this.#options;
    handle.lastSign = this.#now();
    switch (message.type) {
      case 'ready':
        handle.services = message.services;
        this.#step(handle, 'ready');
        break;
      case 'failed': {
        const error = DaemonError.fromData(message.error);
        emit('worker.failed', { ...this.#who(handle), code: error.code, error: error.message, hint: error.hint });
        this.#bootFailed(error, message.permanent);
        break;
      }
      case 'heartbeat':
        handle.load = message;
        this.#step(handle, 'heartbeat');
        break;
      case 'socket-taken':
        dispatcher.acknowledged(handle.id, message.id);
        break;
      case 'socket-lost':
        dispatcher.lost(handle.id, message.id);
        break;
      case 'sockets-closed':
        dispatcher.closed(handle.id, message.count);
        break;
      case 'recycle-wanted':
        this.#takeRecycle(handle, message.cause);
        break;
      case 'drained':
        handle.drained = message;
        break;
    }
  }

  #takeRecycle(handle: WorkerHandle, cause: string): void {
    const now = this.#now();
    if (now - (this.#recycledAt.get(handle.slot) ?? -Infinity) < RECYCLE_INTERVAL) return;
    // One at a time: the others wait for their own next wish.
    if ([...this.#fleet.values()].some((other) => other.recycle !== null)) return;
    this.#recycledAt.set(handle.slot, now);
    handle.recycle = cause;
  }

  #takeExit(handle: WorkerHandle, exitCode: number | null, signal: string | null): void {
    const { dispatcher, emit } = this.#options;
    const expected = handle.cause !== null;
    if (handle.state === 'starting' && handle.isForked) {
      const how = signal === null ? `exit code ${String(exitCode)}` : `signal ${signal}`;
      const detail = handle.lastLines.join('\n');
      this.#bootFailed(
        new DaemonError('E_WORKER_BOOT', `Worker ${handle.slot} ended with ${how} before it was ready`, detail === '' ? {} : { detail }),
        exitCode === EXIT.config,
      );
    }
    if (handle.drained !== null) {
      const { finished, cut } = handle.drained;
      this.#cut += cut;
      emit('worker.drained', { ...this.#who(handle), ms: Math.round(this.#now() - handle.leavingSince), finished, cut });
    }
    this.#step(handle, 'exit');
    emit(
      'worker.gone',
      { ...this.#who(handle), cause: handle.cause ?? 'crash', exitCode, signal, uptimeMs: Math.round(this.#now() - handle.forkedAt) },
      expected ? 'info' : 'warn',
    );
    this.#fleet.delete(handle.id);
    dispatcher.gone(handle.id);
  }

  #takeStop(cause: string, quick: boolean): void {
    if (this.#phase === 'stopping' && (this.#quick || !quick)) return;
    this.#options.emit('daemon.stopping', { cause, quick });
    if (quick) {
      this.#quick = true;
      for (const handle of this.#fleet.values()) {
        if (handle.state === 'draining') {
          handle.leavingSince = this.#now();
          handle.send({ type: 'drain', cause, quick: QUICK_STOP });
        }
      }
    }
    if (this.#phase === 'stopping') return;
    this.#phase = 'stopping';
    this.#goal = { ...this.#goal, workers: 0 };
    this.#options.onStopping();
  }

  #takeWake(): void {
    const now = this.#now();
    if (this.#phase === 'booting' && now >= this.#bootDeadline()) {
      if (this.#countReady() === 0) this.#giveUp(this.#firstError ?? this.#bootTimeoutError());
      else this.#enterServing();
    }
    for (const handle of this.#fleet.values()) {
      if (now < handle.deadline(this.#limits())) continue;
      this.#noteMissedDeadline(handle, now);
      this.#step(handle, 'deadline');
    }
  }

  #noteMissedDeadline(handle: WorkerHandle, now: number): void {
    if (handle.state === 'ready') {
      handle.cause ??= 'silent';
      this.#options.emit('worker.silent', { ...this.#who(handle), ms: Math.round(now - handle.lastSign) });
    } else if (handle.state === 'starting') {
      handle.cause ??= 'startTimeout';
      this.#firstError ??= this.#bootTimeoutError();
    }
  }

  #bootTimeoutError(): DaemonError {
    return new DaemonError('E_WORKER_BOOT', `No worker became ready within startTimeout (${this.#options.startTimeout} ms)`);
  }

  /** Takes one step of a worker's life and performs what the table says. */
  #step(handle: WorkerHandle, event: WorkerEvent, cause?: string): void {
    const before = handle.state;
    const { next, actions } = LIFE[before][event];
    if (event === 'drain' && before !== 'draining') handle.cause ??= cause ?? 'drain';
    handle.state = next;
    const { emit } = this.#options;
    if (before !== next) {
      const now = this.#now();
      if (next === 'ready') {
        handle.readyAt = now;
        emit('worker.ready', { ...this.#who(handle), bootMs: Math.round(now - handle.forkedAt) });
      } else if (next === 'draining') {
        handle.leavingSince = now;
        if (before === 'ready') emit('worker.draining', { ...this.#who(handle), cause: handle.cause });
      }
      if (before === 'starting') this.#booting.get(handle.id)?.resolve();
    }
    for (const action of actions) this.#act(handle, action, before);
  }

  #act(handle: WorkerHandle, action: WorkerAction, before: string): void {
    const { dispatcher, emit } = this.#options;
    switch (action) {
      case 'admit':
        dispatcher.admit(handle.id, {
          slot: handle.slot,
          give: (id, socket, onFailure) => handle.sendSocket({ type: 'take-socket', id }, socket, onFailure),
        });
        break;
      case 'withdraw':
        dispatcher.withdraw(handle.id);
        break;
      case 'send-drain':
        handle.send({ type: 'drain', cause: handle.cause ?? 'drain', quick: this.#quick ? QUICK_STOP : null });
        break;
      case 'kill':
        if (!handle.isForked) {
          this.#inputs.push({ type: 'exit', handle, exitCode: null, signal: null });
          break;
        }
        if (!handle.killed) emit('worker.killed', { ...this.#who(handle), cause: before === 'starting' ? 'startTimeout' : (handle.cause ?? 'drain') });
        handle.leavingSince = this.#now();
        handle.kill();
        break;
      case 'crashed':
        this.#charge(handle);
        break;
    }
  }

  #charge(handle: WorkerHandle): void {
    // A worker that was told to go may go in any way.
    if (handle.cause !== null && handle.cause !== 'silent' && handle.cause !== 'startTimeout') return;
    const now = this.#now();
    const readyFor = handle.readyAt === null ? 0 : now - handle.readyAt;
    const budget = afterCrash(this.#budgets.get(handle.slot) ?? CLEAN_BUDGET, now, readyFor, this.#options.random());
    this.#budgets.set(handle.slot, budget);
    if (budget.retryAt > now && this.#phase !== 'stopping') {
      this.#options.emit('worker.waiting', { ...this.#who(handle), ms: Math.round(budget.retryAt - now), crashes: budget.crashes });
    }
  }

  #repair(): void {
    const actions = reconcile(this.#goal, [...this.#fleet.values()], {
      now: this.#now(),
      surge: 1,
      retryAt: (slot) => this.#budgets.get(slot)?.retryAt ?? -Infinity,
    });
    for (const action of actions) this.#perform(action);
    if (this.#phase === 'booting' && this.#countReady() === this.#goal.workers) this.#enterServing();
    if (this.#phase === 'stopping' && this.#fleet.size === 0) {
      this.#cancelWake();
      const error = this.#fatal;
      this.#finished.resolve({ exitCode: error?.exitCode ?? EXIT.ok, error, cut: this.#cut });
    }
  }

  #perform(action: Action): void {
    if (action.type === 'drain') {
      const handle = this.#fleet.get(action.id);
      if (handle !== undefined) this.#step(handle, 'drain', action.cause);
      return;
    }
    const { slot, cause } = action;
    const handle = new WorkerHandle({ id: this.#nextId++, slot, generation: this.#goal.generation }, this.#now());
    this.#fleet.set(handle.id, handle);
    const forks = this.#forks.get(slot) ?? 0;
    this.#forks.set(slot, forks + 1);
    this.#booting.set(handle.id, deferred());
    void this.#bootLimit(() => this.#boot(handle, cause === 'missing' ? (forks === 0 ? 'boot' : 'crash') : cause));
  }

  /** Forks the process of a handle when its turn has come; resolves when it is no longer starting. */
  async #boot(handle: WorkerHandle, cause: string): Promise<void> {
    const turn = this.#booting.get(handle.id);
    if (handle.state === 'starting' && turn !== undefined) {
      handle.forkedAt = handle.lastSign = this.#now();
      this.#fork(handle);
      this.#options.emit('worker.starting', { ...this.#who(handle), cause });
      this.#wakeLater();
      await turn.promise;
    }
    this.#booting.delete(handle.id);
  }

  #fork(handle: WorkerHandle): void {
    const { fork, emit, startMessage } = this.#options;
    let process: ForkedProcess;
    try {
      process = fork();
    } catch (error) {
      this.#firstError ??= new DaemonError('E_WORKER_BOOT', `Cannot fork a worker: ${toError(error).message}`);
      this.#post({ type: 'exit', handle, exitCode: null, signal: null });
      return;
    }
    handle.attach(
      process,
      {
        onMessage: (message) => this.#post({ type: 'message', handle, message }),
        onExit: (exitCode, signal) => this.#post({ type: 'exit', handle, exitCode, signal }),
        onLine: (stream, line) => emit('worker.console', { ...this.#who(handle), stream, line }),
      },
      readLines,
    );
    handle.send(startMessage(handle.slot, handle.generation));
  }

  #bootFailed(error: DaemonError, permanent: boolean): void {
    this.#firstError ??= error;
    if (permanent && this.#phase === 'booting' && this.#countReady() === 0) this.#giveUp(this.#firstError);
  }

  #giveUp(error: DaemonError): void {
    if (this.#phase === 'stopping') return;
    this.#fatal = error;
    this.#phase = 'stopping';
    this.#goal = { ...this.#goal, workers: 0 };
    this.#options.onStopping();
  }

  #enterServing(): void {
    this.#phase = 'serving';
    this.#firstError = null;
    this.#options.onReady();
  }

  #bootDeadline(): number {
    return this.#startedAt + 2 * this.#options.startTimeout;
  }

  #countReady(): number {
    return [...this.#fleet.values()].filter((handle) => handle.state === 'ready').length;
  }

  #limits(): DeadlineLimits {
    const { startTimeout, hangTimeout, gracefulTimeout } = this.#options;
    return { startTimeout, hangTimeout, drainTimeout: this.#quick ? QUICK_STOP + 1000 : gracefulTimeout + DRAIN_MARGIN };
  }

  #wakeLater(): void {
    this.#cancelWake();
    const now = this.#now();
    const limits = this.#limits();
    let next = this.#phase === 'booting' ? this.#bootDeadline() : Infinity;
    for (const handle of this.#fleet.values()) next = Math.min(next, handle.deadline(limits));
    for (const [slot, { retryAt }] of this.#budgets) if (slot < this.#goal.workers && retryAt > now) next = Math.min(next, retryAt);
    if (next === Infinity) return;
    this.#cancelWake = this.#options.clock.after(Math.max(1, next - now), () => this.#post({ type: 'wake' }));
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }

  #who(handle: WorkerHandle): { slot: number; generation: number; worker: number | null } {
    return { slot: handle.slot, generation: handle.generation, worker: handle.pid };
  }
}
