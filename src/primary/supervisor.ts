/**
 * Runs in the primary. The one owner of the fleet: signals, control calls, messages, exits and timers all become
 * inputs in one queue, and one loop takes an input, steps the life table, reconciles, and acts. The workers'
 * half is src/worker/main.ts.
 */
import type { DrainedWorker } from '../control/definition.js';
import type { CallSummary, FromWorker, ToWorker } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import { deferred } from '../shared/deferred.js';
import { DaemonError, toError } from '../shared/errors.js';
import type { Emit } from '../shared/events.js';
import { EXIT } from '../shared/exit-codes.js';
import { BootQueue } from './boot-queue.js';
import { countSharers } from './call-sharers.js';
import { readLines } from './console-lines.js';
import type { DeadlineLimits } from './deadline-of.js';
import type { Dispatcher } from './dispatcher.js';
import { describeExit, FirstBoot } from './first-boot.js';
import { Fleet } from './fleet.js';
import type { ForkedProcess } from './fork.js';
import type { Generation } from './generation.js';
import { FAULTS, Life } from './life.js';
import { Plan, type RollOrder, type RollResult, type Turn } from './plan.js';
import { reconcile, type Action } from './reconcile.js';
import type { Pace } from './recycling-policy.js';
import { Slots } from './slots.js';
import { WorkerHandle } from './worker-handle.js';

/** What a quick stop leaves the calls in flight, in milliseconds. */
const QUICK_STOP = 2000;
/** What a worker may need on top of that to exit, in milliseconds. */
const QUICK_MARGIN = 1000;
/** What a worker may need on top of its calls' timeouts: settling, last words, shutdown hooks; in milliseconds. */
const DRAIN_MARGIN = 8000;
/** Old workers ask their clients to leave one after the other, that far apart, and all within the limit; in ms. */
const DRAIN_INTERVAL = 1000;
const DRAIN_SPREAD = 10_000;
/** How often it is asked again whether a fleet may grow that was kept from it, in milliseconds. */
const GROWTH_INTERVAL = 5000;

/**
 * A new worker has served this long, in milliseconds, before the one that it replaces leaves: what dies of its first
 * timer or its first connection to a database does so while the old one is there.
 */
export const PROBATION = 500;

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
  readonly fork: (generation: Generation) => ForkedProcess;
  readonly dispatcher: Dispatcher;
  /** What the first workers are started with. */
  readonly generation: Generation;
  /** Called once, when the fleet of the first start is ready. */
  readonly onReady: () => void;
  /** Called once, when a stop begins: no new connections from here on. */
  readonly onStopping: () => void;
  /** Called after everything that may have changed what `status` says. */
  readonly onChange: () => void;
  /**
   * Whether what is on disk is what the generation was proven with; absent: it always is. While it is not, no worker
   * is recycled or added. Never rejects.
   */
  readonly isCodeProven?: (generation: number) => Promise<boolean>;
  /** Messages that are no business of the fleet's. */
  readonly onMessage: (handle: WorkerHandle, message: FromWorker) => void;
}

type Input =
  | { readonly type: 'message'; readonly handle: WorkerHandle; readonly message: FromWorker }
  | { readonly type: 'exit'; readonly handle: WorkerHandle; readonly exitCode: number | null; readonly signal: string | null }
  | { readonly type: 'roll'; readonly order: RollOrder }
  /** Null: what the config asks for. */
  | { readonly type: 'scale'; readonly workers: number | null; readonly source: 'scale' | 'elastic' }
  | { readonly type: 'recycle'; readonly handle: WorkerHandle; readonly cause: string; readonly pace: Pace }
  | { readonly type: 'grow'; readonly generation: number }
  | { readonly type: 'stop'; readonly cause: string; readonly quick: boolean }
  | { readonly type: 'wake' };

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #fleet = new Fleet();
  readonly #slots: Slots;
  readonly #life: Life;
  readonly #boots: BootQueue;
  readonly #firstBoot: FirstBoot;
  readonly #served = deferred<boolean>();
  readonly #finished = deferred<Outcome>();
  readonly #inputs: Input[] = [];
  readonly #plan: Plan;
  #isLooping = false;
  #cancelWake: () => void = () => undefined;
  #phase: Phase = 'booting';
  #stopKind: 'graceful' | 'quick' = 'graceful';
  #fatal: DaemonError | null = null;
  #nextId = 1;
  #cut = 0;

  constructor(options: SupervisorOptions) {
    const { generation } = options;
    this.#options = options;
    this.#plan = new Plan(generation);
    this.#slots = new Slots(options.random);
    this.#boots = new BootQueue(generation.bootConcurrency);
    this.#firstBoot = new FirstBoot(options.clock.monotonic(), generation.config.startTimeout);
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

  /** What is wanted. */
  get plan(): Pick<Plan, 'goal' | 'target' | 'rollout' | 'isTurning' | 'isMixed' | 'generation' | 'generationOf'> {
    return this.#plan;
  }

  get slots(): Pick<Slots, 'restarts' | 'crashes'> {
    return this.#slots;
  }

  /** The workers that are not gone, by slot. */
  get workers(): WorkerHandle[] {
    return this.#fleet.all();
  }

  /** Resolves when the first start is over: true when it serves, false when it is going to stop instead. */
  get served(): Promise<boolean> {
    return this.#served.promise;
  }

  /** Resolves when the last worker is gone after a stop, or after the daemon found that it cannot go on. */
  get finished(): Promise<Outcome> {
    return this.#finished.promise;
  }

  /** Milliseconds until the deadline of a worker's state; Infinity if it has none. */
  timeLeft(handle: WorkerHandle): number {
    return handle.deadline(this.#limits(handle)) - this.#now();
  }

  start(): void {
    this.#post({ type: 'wake' });
  }

  /**
   * Replaces the fleet by a new generation; one at a time.
   * @param commit called at the moment from which there is no way back, when the whole new generation is ready
   */
  roll(generation: Generation, cause: string, commit: () => void): Promise<RollResult> {
    return new Promise((settle) => this.#post({ type: 'roll', order: { generation, cause, commit, settle } }));
  }

  /** Changes how many workers there shall be; the load (`elastic`) has no say after a person or during a reload. */
  scale(workers: number, source: 'scale' | 'elastic'): void {
    this.#post({ type: 'scale', workers, source });
  }

  /** Goes back to what the config asks for. */
  scaleByConfig(): void {
    this.#post({ type: 'scale', workers: null, source: 'scale' });
  }

  /** Whether `recycle` would do anything now. */
  mayRecycle({ state, slot }: WorkerHandle, pace: Pace): boolean {
    // One at a time in the fleet, and not beside a reload, which replaces all anyway.
    return state === 'ready' && !this.#plan.isTurning && !this.#fleet.isRecycling() && this.#slots.mayRecycle(slot, this.#now(), pace);
  }

  /** Replaces one worker, new before old, if its turn has come; else the wish is forgotten. */
  recycle(handle: WorkerHandle, cause: string, pace: Pace): void {
    const recycle = (): void => this.#post({ type: 'recycle', handle, cause, pace });
    const { isCodeProven } = this.#options;
    if (isCodeProven === undefined) recycle();
    else void isCodeProven(this.#plan.goal.generation).then((proven) => (proven ? recycle() : undefined));
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
    this.#options.onChange();
  }

  #take(input: Input): void {
    switch (input.type) {
      case 'message':
        this.#takeMessage(input.handle, input.message);
        break;
      case 'exit':
        this.#takeExit(input.handle, input.exitCode, input.signal);
        break;
      case 'roll':
        this.#takeRoll(input.order);
        break;
      case 'scale':
        this.#takeScale(input.workers, input.source);
        break;
      case 'recycle':
        this.#takeRecycle(input.handle, input.cause, input.pace);
        break;
      case 'grow':
        if (input.generation === this.#plan.goal.generation) this.#plan.release();
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
    const { dispatcher, onMessage } = this.#options;
    handle.lastSign = this.#now();
    switch (message.type) {
      case 'awake':
        handle.send(this.#startOrder(handle));
        break;
      case 'ready':
        handle.services = message.services;
        this.#life.step(handle, 'ready', 'ready');
        break;
      case 'failed':
        this.#takeFailure(handle, DaemonError.fromData(message.error), message.permanent);
        break;
      case 'heartbeat':
        handle.noteLoad(message, this.#now());
        this.#life.step(handle, 'heartbeat', 'heartbeat');
        onMessage(handle, message);
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
      case 'drained':
        handle.drained = message;
        this.#cut += message.cut.length;
        break;
      case 'recycle-wanted':
      case 'files-loaded':
      case 'inspected':
        onMessage(handle, message);
        break;
    }
  }

  #startOrder(handle: WorkerHandle): ToWorker {
    const { slot, generation } = handle;
    // A fleet that starts, and a new generation, share as they will when they are complete.
    const isWhole = this.#phase === 'serving' && !this.#plan.isTurning;
    const sharers = isWhole ? Math.max(slot + 1, this.#sharers()) : this.#plan.target;
    const order = this.#plan.generationOf(generation).startMessage(slot, generation, sharers);
    handle.callLimit = order.callLimit;
    return order;
  }

  #sharers(): number {
    return countSharers(this.#fleet.all().filter(({ generation }) => this.#plan.accepts(generation)));
  }

  /** Tells the workers their shares of the cap on calls anew when there are more of them, or fewer. */
  #shareCalls(): void {
    if (this.#plan.generation.config.maximumConcurrentRpcs === null || this.#phase !== 'serving' || this.#plan.isTurning) return;
    const sharers = this.#sharers();
    for (const handle of this.#fleet.ready()) {
      const limit = this.#plan.generationOf(handle.generation).callLimit(handle.slot, Math.max(sharers, handle.slot + 1));
      if (limit === null || limit === handle.callLimit) continue;
      handle.callLimit = limit;
      handle.send({ type: 'set-call-limit', limit });
    }
  }

  #takeFailure(handle: WorkerHandle, error: DaemonError, permanent: boolean): void {
    this.#options.emit('worker.failed', { ...handle.label, code: error.code, error: error.message, hint: error.hint });
    handle.failure = { error, permanent };
    this.#firstBoot.note(error);
    if (permanent) this.#giveUpBooting();
  }

  #takeExit(handle: WorkerHandle, exitCode: number | null, signal: string | null): void {
    const neverReady = handle.readyAt === null;
    const isCrash = handle.cause === null;
    const tookMs = this.#now() - handle.leavingSince;
    this.#life.exited(handle, exitCode, signal);
    this.#fleet.remove(handle);
    this.#options.dispatcher.gone(handle.id);
    if (neverReady) this.#firstBoot.note(describeExit(handle, exitCode, signal));
    if (handle.failure?.permanent === true || exitCode === EXIT.config) this.#giveUpBooting();
    if (isCrash) this.#noteFault(handle, handle.failure?.error ?? describeExit(handle, exitCode, signal), handle.failure?.permanent ?? exitCode === EXIT.config);
    if (handle.cause === 'reload') this.#plan.noteDrained(describeDrain(handle, tookMs));
  }

  /** A worker ended, or has to, without being asked. */
  #noteFault(handle: WorkerHandle, error: DaemonError, permanent: boolean): void {
    this.#turned(this.#plan.noteFault(handle.generation, error, permanent));
  }

  #takeRoll(order: RollOrder): void {
    if (this.#phase !== 'serving') {
      order.settle({ verdict: 'pre-empted', error: null, drained: [] });
      return;
    }
    const { to, cause } = this.#plan.begin(order);
    // Crashes of the old code say nothing about the new.
    this.#slots.forgive();
    this.#boots.setConcurrency(order.generation.bootConcurrency);
    this.#options.emit('reload.started', { cause, generation: to });
  }

  /** Does what follows from a step of a rollout; returns whether there was one. */
  #turned(turn: Turn): boolean {
    if (turn === 'resized') this.#slots.forgetFrom(this.#plan.goal.workers);
    if (turn === 'rolled-back') {
      // What the new generation did wrong is no fault of the old one's slots.
      this.#slots.forgive();
      if (this.#plan.isHeld) this.#askToGrow();
    }
    return turn !== 'none';
  }

  #takeScale(wanted: number | null, by: 'scale' | 'elastic'): void {
    if (this.#phase !== 'serving') return;
    const { workers: size } = this.#plan.goal;
    const scaled = this.#plan.scale(wanted, by);
    if (scaled === null) return;
    const { before, after } = scaled;
    if (!this.#plan.isTurning) {
      if (after > size) this.#hold(size);
      this.#slots.forgetFrom(after);
    }
    if (after !== before) this.#options.emit('fleet.scaled', { before, after, source: this.#plan.goal.source });
  }

  /** Keeps the fleet from growing beyond that many workers until the code on disk is known to be proven. */
  #hold(workers: number): void {
    if (this.#options.isCodeProven === undefined) return;
    const isAsked = this.#plan.isHeld;
    this.#plan.hold(workers);
    if (!isAsked) this.#askToGrow();
  }

  #askToGrow(): void {
    const { isCodeProven, clock } = this.#options;
    const { generation } = this.#plan.goal;
    void isCodeProven?.(generation).then((proven) => {
      if (this.#phase !== 'serving' || !this.#plan.isHeld) return;
      if (proven) this.#post({ type: 'grow', generation });
      else clock.after(GROWTH_INTERVAL, () => this.#askToGrow());
    });
  }

  #takeRecycle(handle: WorkerHandle, cause: string, pace: Pace): void {
    if (!this.mayRecycle(handle, pace)) return;
    this.#slots.noteRecycled(handle.slot, this.#now());
    handle.recycle = cause;
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
      handle.send({ type: 'drain', cause, delay: 0, quick: QUICK_STOP });
    }
  }

  #beginStop(): void {
    this.#phase = 'stopping';
    this.#plan.stop();
    this.#served.resolve(false);
    this.#options.onStopping();
  }

  #takeWake(): void {
    const now = this.#now();
    for (const handle of this.#fleet.all()) {
      if (now < handle.deadline(this.#limits(handle))) continue;
      const before = handle.state;
      this.#life.missedDeadline(handle);
      if (before !== 'draining' && FAULTS.includes(handle.cause ?? '')) this.#noteFault(handle, lateError(handle), false);
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
    this.#served.resolve(true);
  }

  #repair(): void {
    do {
      this.#performAll(this.#reconcile());
    } while (this.#turned(this.#plan.advance(this.#fleet.all(), { now: this.#now(), probation: PROBATION })));
    if (this.#phase === 'booting' && this.#fleet.ready().length === this.#plan.goal.workers) this.#enterServing();
    this.#shareCalls();
    if (this.#phase === 'stopping' && this.#fleet.size === 0) {
      const error = this.#fatal;
      this.#finished.resolve({ exitCode: error?.exitCode ?? EXIT.ok, error, cut: this.#cut });
    }
  }

  #reconcile(): Action[] {
    const { rollout, goal, generation } = this.#plan;
    const surge = rollout === null ? 1 : generation.surge(goal.workers);
    return reconcile(this.#plan.reachable, this.#fleet.all(), {
      now: this.#now(),
      surge,
      probation: PROBATION,
      retryAt: (slot) => this.#slots.retryAt(slot),
      accepts: (number) => this.#plan.accepts(number),
      isCanary: rollout?.stage === 'canary',
      together: rollout !== null && surge >= goal.workers,
    });
  }

  #performAll(actions: readonly Action[]): void {
    const leaving = actions.filter((action) => action.type === 'drain' && (action.cause === 'reload' || action.cause === 'scale'));
    const interval = Math.min(DRAIN_INTERVAL, DRAIN_SPREAD / Math.max(1, leaving.length));
    for (const action of actions) {
      if (action.type === 'fork') this.#enter(action.slot, action.cause);
      else this.#dismiss(action.id, action.cause, Math.max(0, leaving.indexOf(action)) * interval);
    }
  }

  #dismiss(id: number, cause: string, delay: number): void {
    const handle = this.#fleet.get(id);
    if (handle === undefined) return;
    if (handle.state === 'ready' && cause === 'reload') this.#plan.rollout?.withdrew();
    handle.drainDelay = delay;
    this.#life.step(handle, 'drain', cause);
  }

  /** Adds a worker to a slot; it is forked when its turn to boot comes. */
  #enter(slot: number, why: string): void {
    const handle = new WorkerHandle({ id: this.#nextId++, slot, generation: this.#plan.goal.generation }, this.#now());
    const isFirst = this.#slots.noteFork(slot) === 0;
    const cause = why !== 'missing' ? why : !isFirst ? 'crash' : this.#phase === 'booting' ? 'boot' : 'scale';
    this.#fleet.add(handle);
    this.#boots.enter(handle, () => this.#fork(handle, cause));
  }

  #fork(handle: WorkerHandle, cause: string): void {
    const { fork, emit } = this.#options;
    handle.forkedAt = handle.lastSign = this.#now();
    try {
      handle.attach(
        fork(this.#plan.generationOf(handle.generation)),
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

  #limits({ generation, drainDelay }: WorkerHandle): DeadlineLimits {
    const { config, gracefulTimeout } = this.#plan.generationOf(generation);
    const drainTimeout = this.#stopKind === 'quick' ? QUICK_STOP + QUICK_MARGIN : drainDelay + gracefulTimeout + DRAIN_MARGIN;
    return { startTimeout: config.startTimeout, hangTimeout: config.hangTimeout, drainTimeout };
  }

  #wakeLater(): void {
    this.#cancelWake();
    const now = this.#now();
    const deadlines = this.#fleet.all().map((handle) => handle.deadline(this.#limits(handle)));
    const proofs = this.#fleet.ready().map(({ readyAt }) => (readyAt ?? 0) + PROBATION).filter((at) => at > now);
    const next = Math.min(
      ...deadlines,
      ...proofs,
      this.#slots.nextRetry(this.#plan.goal.workers, now),
      this.#phase === 'booting' ? this.#firstBoot.deadline : Infinity,
    );
    if (next === Infinity) return;
    this.#cancelWake = this.#options.clock.after(Math.max(1, next - now), () => this.#post({ type: 'wake' }));
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}

function describeDrain(handle: WorkerHandle, tookMs: number): DrainedWorker {
  const { slot, generation, drained, load } = handle;
  // A worker that had to be killed cannot say what it was doing; its last heartbeat can.
  const lost: readonly CallSummary[] = load?.oldestCall == null ? [] : [load.oldestCall];
  return { slot, generation, tookMs: Math.round(tookMs), finished: drained?.finished ?? 0, cut: drained?.cut ?? lost };
}

function lateError(handle: WorkerHandle): DaemonError {
  const what = handle.readyAt === null ? 'was not ready within startTimeout' : 'stopped answering';
  return new DaemonError('E_WORKER_BOOT', `Worker ${handle.slot} of generation ${handle.generation} ${what}`, {
    hint: 'Look for a servicer that blocks or never settles, or raise startTimeout.',
  });
}
