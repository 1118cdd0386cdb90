/**
 * Runs in the primary. The one owner of the fleet: signals, control calls, messages, exits and timers all become
 * inputs in one queue, and one loop takes an input, steps the life table, reconciles, and acts. The workers'
 * half is src/worker/main.ts.
 */
import type { FromWorker, ToWorker } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import { deferred } from '../shared/deferred.js';
import { DaemonError, toError } from '../shared/errors.js';
import type { Emit } from '../shared/events.js';
import { EXIT } from '../shared/exit-codes.js';
import { BootQueue } from './boot-queue.js';
import { readLines } from './console-lines.js';
import type { DeadlineLimits } from './deadline-of.js';
import type { Dispatcher } from './dispatcher.js';
import { FirstBoot } from './first-boot.js';
import { Fleet } from './fleet.js';
import type { ForkedProcess } from './fork.js';
import { Life } from './life.js';
import { reconcile, type Action, type Goal } from './reconcile.js';
import { Slots } from './slots.js';
import { WorkerHandle } from './worker-handle.js';

/** What a quick stop leaves the calls in flight, in milliseconds. */
const QUICK_STOP = 2000;
/** What a worker may need on top of that to exit, in milliseconds. */
const QUICK_MARGIN = 1000;
/** What a worker may need on top of its calls' timeouts: settling, last words, shutdown hooks; in milliseconds. */
const DRAIN_MARGIN = 8000;

export type Phase = 'booting' | 'serving' | 'stopping';

export interface Outcome {
  readonly exitCode: number;
  /** Why the daemon had to end; null after a stop that was asked for. */
  readonly error: DaemonError | null;
  /** Calls that were cut while workers left. */
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
  /** Milliseconds. */
  readonly startTimeout: number;
  readonly hangTimeout: number;
  /** The longest of the timeouts that calls get in a worker that leaves. */
  readonly gracefulTimeout: number;
  /** The order that starts the worker of a slot. */
  readonly startMessage: (slot: number, generation: number) => ToWorker;
  /** Called once, when the fleet of the first start is ready. */
  readonly onReady: () => void;
  /** Called once, when a stop begins: no new connections from here on. */
  readonly onStopping: () => void;
}

type Input =
  | { readonly type: 'message'; readonly handle: WorkerHandle; readonly message: FromWorker }
  | { readonly type: 'exit'; readonly handle: WorkerHandle; readonly exitCode: number | null; readonly signal: string | null }
  | { readonly type: 'stop'; readonly cause: string; readonly quick: boolean }
  | { readonly type: 'wake' };

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #fleet = new Fleet();
  readonly #slots: Slots;
  readonly #life: Life;
  readonly #boots: BootQueue;
  readonly #firstBoot: FirstBoot;
  readonly #finished = deferred<Outcome>();
  readonly #inputs: Input[] = [];
  #isLooping = false;
  #cancelWake: () => void = () => undefined;
  #goal: Goal;
  #phase: Phase = 'booting';
  #stopKind: 'graceful' | 'quick' = 'graceful';
  #fatal: DaemonError | null = null;
  #nextId = 1;
  #cut = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#goal = { workers: options.workers, generation: 1 };
    this.#slots = new Slots(options.random);
    this.#boots = new BootQueue(options.bootConcurrency);
    this.#firstBoot = new FirstBoot(options.clock.monotonic(), options.startTimeout);
    this.#life = new Life({
      clock: options.clock,
      emit: options.emit,
      dispatcher: options.dispatcher,
      slots: this.#slots,
      quick: () => (this.#stopKind === 'quick' ? QUICK_STOP : null),
      onBooted: (handle) => this.#boots.leave(handle),
      onUnborn: (handle) => this.#post({ type: 'exit', handle, exitCode: null, signal: null }),
    });
  }

  get phase(): Phase {
    return this.#phase;
  }

  get goal(): Goal {
    return this.#goal;
  }

  get slots(): Pick<Slots, 'restarts' | 'crashes'> {
    return this.#slots;
  }

  /** The workers that are not gone, by slot. */
  get workers(): WorkerHandle[] {
    return this.#fleet.all();
  }

  /** Resolves when the last worker is gone after a stop, or after the daemon found that it cannot go on. */
  get finished(): Promise<Outcome> {
    return this.#finished.promise;
  }

  start(): void {
    this.#post({ type: 'wake' });
  }

  /** @param quick give the calls in flight two seconds; also speeds up a stop that is under way */
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
    const { dispatcher } = this.#options;
    handle.lastSign = this.#now();
    switch (message.type) {
      case 'awake':
        handle.send(this.#options.startMessage(handle.slot, handle.generation));
        break;
      case 'ready':
        handle.services = message.services;
        this.#life.step(handle, 'ready', 'ready');
        break;
      case 'failed':
        this.#takeFailure(handle, DaemonError.fromData(message.error), message.permanent);
        break;
      case 'heartbeat':
        handle.load = message;
        this.#life.step(handle, 'heartbeat', 'heartbeat');
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
      case 'drain-wanted':
        this.#life.step(handle, 'drain', message.cause);
        break;
      case 'recycle-wanted':
        // One at a time in the fleet; the others say so again when it happens to them again.
        if (!this.#fleet.isRecycling() && this.#slots.takeRecycleTurn(handle.slot, this.#now())) handle.recycle = message.cause;
        break;
      case 'drained':
        handle.drained = message;
        this.#cut += message.cut;
        break;
    }
  }

  #takeFailure(handle: WorkerHandle, error: DaemonError, permanent: boolean): void {
    this.#options.emit('worker.failed', { ...handle.label, code: error.code, error: error.message, hint: error.hint });
    this.#firstBoot.note(error);
    if (permanent) this.#giveUpBooting();
  }

  #takeExit(handle: WorkerHandle, exitCode: number | null, signal: string | null): void {
    const neverReady = handle.state === 'starting';
    this.#life.exited(handle, exitCode, signal);
    this.#fleet.remove(handle);
    this.#options.dispatcher.gone(handle.id);
    if (neverReady && this.#firstBoot.noteExit(handle, exitCode, signal)) this.#giveUpBooting();
  }

  #takeStop(cause: string, quick: boolean): void {
    const isFirst = this.#phase !== 'stopping';
    const isFaster = quick && this.#stopKind === 'graceful';
    if (!isFirst && !isFaster) return;
    this.#options.emit('daemon.stopping', { cause, quick });
    if (isFaster) this.#hurry(cause);
    if (isFirst) this.#beginStop();
  }

  /** Those that drain already are told again; those that are told from now on hear it the first time. */
  #hurry(cause: string): void {
    this.#stopKind = 'quick';
    for (const handle of this.#fleet.all()) {
      if (handle.state !== 'draining') continue;
      handle.leavingSince = this.#now();
      handle.send({ type: 'drain', cause, quick: QUICK_STOP });
    }
  }

  #beginStop(): void {
    this.#phase = 'stopping';
    this.#goal = { ...this.#goal, workers: 0 };
    this.#options.onStopping();
  }

  #takeWake(): void {
    const now = this.#now();
    for (const handle of this.#fleet.all()) {
      if (now >= handle.deadline(this.#limits())) this.#life.missedDeadline(handle);
    }
    if (this.#phase === 'booting' && now >= this.#firstBoot.deadline) {
      if (this.#fleet.ready().length === 0) this.#giveUpBooting();
      else this.#enterServing();
    }
  }

  /** Ends a first start that has come to nothing; while one worker is ready, the daemon never gives up. */
  #giveUpBooting(): void {
    if (this.#phase !== 'booting' || this.#fleet.ready().length > 0) return;
    this.#fatal = this.#firstBoot.verdict();
    this.#beginStop();
  }

  #enterServing(): void {
    this.#phase = 'serving';
    this.#options.onReady();
  }

  #repair(): void {
    const actions = reconcile(this.#goal, this.#fleet.all(), {
      now: this.#now(),
      surge: 1,
      retryAt: (slot) => this.#slots.retryAt(slot),
    });
    for (const action of actions) this.#perform(action);
    if (this.#phase === 'booting' && this.#fleet.ready().length === this.#goal.workers) this.#enterServing();
    if (this.#phase === 'stopping' && this.#fleet.size === 0) {
      const error = this.#fatal;
      this.#finished.resolve({ exitCode: error?.exitCode ?? EXIT.ok, error, cut: this.#cut });
    }
  }

  #perform(action: Action): void {
    if (action.type === 'drain') {
      const leaving = this.#fleet.get(action.id);
      if (leaving !== undefined) this.#life.step(leaving, 'drain', action.cause);
      return;
    }
    const { slot } = action;
    const handle = new WorkerHandle({ id: this.#nextId++, slot, generation: this.#goal.generation }, this.#now());
    const isFirst = this.#slots.noteFork(slot) === 0;
    const cause = action.cause === 'missing' ? (isFirst ? 'boot' : 'crash') : action.cause;
    this.#fleet.add(handle);
    this.#boots.enter(handle, () => this.#fork(handle, cause));
  }

  #fork(handle: WorkerHandle, cause: string): void {
    const { fork, emit } = this.#options;
    handle.forkedAt = handle.lastSign = this.#now();
    try {
      handle.attach(
        fork(),
        {
          onMessage: (message) => this.#post({ type: 'message', handle, message }),
          onExit: (exitCode, signal) => this.#post({ type: 'exit', handle, exitCode, signal }),
          onLine: (stream, line) => emit('worker.console', { ...handle.label, stream, line }),
        },
        readLines,
      );
    } catch (error) {
      this.#firstBoot.note(new DaemonError('E_WORKER_BOOT', `Cannot fork a worker: ${toError(error).message}`));
      this.#post({ type: 'exit', handle, exitCode: null, signal: null });
      return;
    }
    emit('worker.starting', { ...handle.label, cause });
    this.#wakeLater();
  }

  #limits(): DeadlineLimits {
    const { startTimeout, hangTimeout, gracefulTimeout } = this.#options;
    const drainTimeout = this.#stopKind === 'quick' ? QUICK_STOP + QUICK_MARGIN : gracefulTimeout + DRAIN_MARGIN;
    return { startTimeout, hangTimeout, drainTimeout };
  }

  #wakeLater(): void {
    this.#cancelWake();
    const now = this.#now();
    const next = Math.min(
      this.#fleet.nextDeadline(this.#limits()),
      this.#slots.nextRetry(this.#goal.workers, now),
      this.#phase === 'booting' ? this.#firstBoot.deadline : Infinity,
    );
    if (next === Infinity) return;
    this.#cancelWake = this.#options.clock.after(Math.max(1, next - now), () => this.#post({ type: 'wake' }));
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}
