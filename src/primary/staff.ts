/**
 * Runs in the primary. Does what `reconcile` says: puts workers into slots, forks them when it is their turn to boot
 * (their half is src/worker/main.ts), and asks others to leave.
 */
import type { FromWorker } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import { DaemonError, toError } from '../shared/errors.js';
import type { Emit } from '../shared/events.js';
import type { BootQueue } from './boot-queue.js';
import type { DeadlineLimits } from './deadline-of.js';
import type { Fleet } from './fleet.js';
import type { ForkedProcess } from './fork.js';
import type { Generation } from './generation.js';
import type { Life } from './life.js';
import type { Phases } from './phases.js';
import type { Plan } from './plan.js';
import type { Action } from './reconcile.js';
import type { Slots } from './slots.js';
import { WorkerHandle } from './worker-handle.js';

/** What a quick stop leaves the calls in flight, in milliseconds. */
export const QUICK_STOP = 2000;
/** What a worker may need on top of that to exit, in milliseconds. */
const QUICK_MARGIN = 1000;
/** What a worker may need on top of its calls' timeouts: settling, last words, shutdown hooks; in milliseconds. */
const DRAIN_MARGIN = 8000;
/** Old workers ask their clients to leave one after the other, that far apart, and all within the limit; in ms. */
const DRAIN_INTERVAL = 1000;
const DRAIN_SPREAD = 10_000;

export interface StaffParts {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly fork: (generation: Generation, slot: number) => ForkedProcess;
  readonly plan: Plan;
  readonly phases: Phases;
  readonly fleet: Fleet;
  readonly slots: Slots;
  readonly boots: BootQueue;
  readonly life: Life;
  readonly onMessage: (handle: WorkerHandle, message: FromWorker) => void;
  /** It is gone, or never was. */
  readonly onExit: (handle: WorkerHandle, exitCode: number | null, signal: string | null) => void;
  /** It has a deadline now. */
  readonly onForked: () => void;
}

export class Staff {
  readonly #parts: StaffParts;
  #nextId = 1;

  constructor(parts: StaffParts) {
    this.#parts = parts;
  }

  perform(actions: readonly Action[]): void {
    const leaving = actions.filter((action) => isUnhurried(action)).length;
    const interval = Math.min(DRAIN_INTERVAL, DRAIN_SPREAD / Math.max(1, leaving));
    let delay = 0;
    for (const action of actions) {
      if (action.type === 'fork') {
        this.#enter(action.slot, action.cause);
      } else if (isUnhurried(action)) {
        this.#dismiss(action.id, action.cause, delay);
        delay += interval;
      } else {
        this.#dismiss(action.id, action.cause, 0);
      }
    }
  }

  /** Tells those that drain already that their calls get no longer than a quick stop leaves them. */
  hurry(cause: string): void {
    for (const handle of this.#parts.fleet.all()) {
      if (handle.state !== 'draining') continue;
      handle.leavingSince = this.#now();
      handle.send({ type: 'drain', cause, delay: 0, quick: QUICK_STOP });
    }
  }

  /** When the deadline of a worker's state is, on the steady clock in milliseconds; Infinity if it has none. */
  deadline(handle: WorkerHandle): number {
    const { plan, phases } = this.#parts;
    const { config, gracefulTimeout } = plan.generationOf(handle.generation);
    const drainTimeout = phases.stopKind === 'quick' ? QUICK_STOP + QUICK_MARGIN : handle.drainDelay + gracefulTimeout + DRAIN_MARGIN;
    const limits: DeadlineLimits = { startTimeout: config.startTimeout, hangTimeout: config.hangTimeout, drainTimeout };
    return handle.deadline(limits);
  }

  /** Adds a worker to a slot; it is forked when its turn to boot comes. */
  #enter(slot: number, why: string): void {
    const { plan, phases, slots, fleet, boots } = this.#parts;
    const handle = new WorkerHandle({ id: this.#nextId++, slot, generation: plan.goal.generation }, this.#now());
    const isFirst = slots.noteFork(slot) === 0;
    const cause = why !== 'missing' ? why : !isFirst ? 'crash' : phases.current === 'booting' ? 'boot' : 'scale';
    fleet.add(handle);
    boots.enter(handle, () => this.#fork(handle, cause));
  }

  #fork(handle: WorkerHandle, cause: string): void {
    const { fork, emit, plan, phases, onMessage, onExit, onForked } = this.#parts;
    handle.forkedAt = handle.lastSign = this.#now();
    try {
      handle.attach(fork(plan.generationOf(handle.generation), handle.slot), {
        onMessage: (message) => onMessage(handle, message),
        onExit: (exitCode, signal) => onExit(handle, exitCode, signal),
        onLine: (stream, line) => emit('worker.console', { ...handle.label, stream, line }),
      });
    } catch (error) {
      phases.noteError(new DaemonError('E_WORKER_BOOT', `Cannot fork a worker: ${toError(error).message}`));
      onExit(handle, null, null);
      return;
    }
    emit('worker.starting', { ...handle.label, cause });
    onForked();
  }

  #dismiss(id: number, cause: string, delay: number): void {
    const { fleet, plan, life } = this.#parts;
    const handle = fleet.get(id);
    if (handle === undefined) return;
    if (handle.state === 'ready' && cause === 'reload') plan.rollout?.withdrew();
    handle.drainDelay = delay;
    life.step(handle, 'drain', cause);
  }

  #now(): number {
    return this.#parts.clock.monotonic();
  }
}

/** Its clients shall not all come to the others at once. */
const isUnhurried = (action: Action): boolean => action.type === 'drain' && (action.cause === 'reload' || action.cause === 'scale');
