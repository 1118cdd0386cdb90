/**
 * Runs in the primary. The one owner of the fleet: signals, control calls, messages, exits and timers all go through
 * one inbox, and after each of them the fleet is compared with what is wanted, and repaired. The workers' half is
 * src/worker/main.ts.
 */
import type { FromWorker } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import type { Emit } from '../shared/events.js';
import { Alarm } from './alarm.js';
import { BootQueue } from './boot-queue.js';
import { CallShares } from './call-shares.js';
import { CodeGate, type IsCodeProven } from './code-gate.js';
import type { Dispatcher } from './dispatcher.js';
import { Fleet } from './fleet.js';
import type { ForkedProcess } from './fork.js';
import type { Generation } from './generation.js';
import { Inbox } from './inbox.js';
import { Life } from './life.js';
import { Phases, type Outcome, type Phase } from './phases.js';
import { Plan, type RollResult } from './plan.js';
import { reconcile, type Action } from './reconcile.js';
import type { Pace } from './recycling-policy.js';
import { Slots } from './slots.js';
import { QUICK_STOP, Staff } from './staff.js';
import { Steering } from './steering.js';
import { ConnectionDoor, type WorkerDoor } from './worker-door.js';
import type { WorkerHandle } from './worker-handle.js';
import { WorkerReports } from './worker-reports.js';

/**
 * A new worker has served this long, in milliseconds, before the one that it replaces leaves: what dies of its first
 * timer or its first connection to a database does so while the old one is there.
 */
export const PROBATION = 500;

/** What a worker that serves says all the time. */
const ROUTINE: readonly FromWorker['type'][] = ['heartbeat', 'calls-told', 'socket-taken', 'socket-lost', 'sockets-closed'];

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly random: () => number;
  readonly fork: (generation: Generation, slot: number) => ForkedProcess;
  /** Takes what workers say of the connections that they were handed. */
  readonly dispatcher: Dispatcher;
  /** How work comes to workers; absent: by connections from the dispatcher. */
  readonly door?: WorkerDoor;
  /** What the first workers are started with. */
  readonly generation: Generation;
  /** Called once, when the fleet of the first start is ready. */
  readonly onReady: () => void;
  /** Called once, when a stop begins: no new connections from here on. */
  readonly onStopping: () => void;
  /** Called after everything that may have changed what `status` says. */
  readonly onChange: () => void;
  /** Whether another daemon serves as long as this one does not, so that a first start need not be tried for long; absent: none does. */
  readonly isReplacing?: () => boolean;
  /** While it is not, no worker is recycled or added; absent: it always is. */
  readonly isCodeProven?: IsCodeProven;
  /** Messages that are no business of the fleet's. */
  readonly onMessage: (handle: WorkerHandle, message: FromWorker) => void;
}

export class Supervisor {
  readonly #clock: Clock;
  readonly #fleet = new Fleet();
  readonly #inbox: Inbox;
  readonly #alarm: Alarm;
  readonly #plan: Plan;
  readonly #slots: Slots;
  readonly #phases: Phases;
  readonly #gate: CodeGate;
  readonly #shares: CallShares;
  readonly #steering: Steering;
  readonly #reports: WorkerReports;
  readonly #staff: Staff;
  /** When the fleet was compared last with what is wanted; on the clock, in milliseconds. */
  #lookedAt = -Infinity;

  constructor(options: SupervisorOptions) {
    const { clock, emit, dispatcher, generation, onReady, onStopping, onChange } = options;
    const { door = new ConnectionDoor(dispatcher) } = options;
    const fleet = this.#fleet;
    const post = (take: () => void): void => this.#inbox.post(take);
    const plan = new Plan(generation);
    const slots = new Slots(options.random);
    const boots = new BootQueue(generation.bootConcurrency);
    this.#clock = clock;
    this.#plan = plan;
    this.#slots = slots;
    this.#alarm = new Alarm(clock, () => post(() => this.#takeTime()));
    this.#inbox = new Inbox(
      () => this.#repair(),
      () => {
        this.#setAlarm();
        onChange();
      },
    );
    const phases = new Phases({
      clock,
      emit,
      fleet,
      startTimeout: generation.config.startTimeout,
      onServing: onReady,
      onHurry: (cause) => this.#staff.hurry(cause),
      onStopping: () => {
        plan.stop();
        onStopping();
      },
    });
    const life = new Life({
      clock,
      emit,
      door,
      slots,
      quick: () => (phases.stopKind === 'quick' ? QUICK_STOP : null),
      onBooted: (handle) => boots.leave(handle),
      onUnborn: (handle) => post(() => this.#reports.takeExit(handle, null, null)),
    });
    this.#phases = phases;
    this.#gate = new CodeGate({ clock, plan, phases, isCodeProven: options.isCodeProven, post });
    this.#shares = new CallShares({ plan, fleet, phases });
    this.#steering = new Steering({ emit, plan, phases, slots, boots, gate: this.#gate });
    this.#reports = new WorkerReports({
      clock, emit, dispatcher, door, fleet, life, phases, plan, shares: this.#shares, steering: this.#steering, slots,
      isReplacing: options.isReplacing ?? (() => false), onMessage: options.onMessage,
    });
    this.#staff = new Staff({
      clock, emit, fork: options.fork, plan, phases, fleet, slots, boots, life,
      onMessage: (handle, message) => {
        if (isRoutine(handle, message)) {
          this.#reports.take(handle, message);
          onChange();
        } else {
          post(() => this.#reports.take(handle, message));
        }
      },
      onExit: (handle, exitCode, signal) => post(() => this.#reports.takeExit(handle, exitCode, signal)),
      onForked: () => this.#setAlarm(),
    });
  }

  get phase(): Phase {
    return this.#phases.current;
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
    return this.#phases.served;
  }

  /** Resolves when the last worker is gone after a stop, or after the daemon found that it cannot go on. */
  get finished(): Promise<Outcome> {
    return this.#phases.finished;
  }

  /** Milliseconds until the deadline of a worker's state; Infinity if it has none. */
  timeLeft(handle: WorkerHandle): number {
    return this.#staff.deadline(handle) - this.#clock.monotonic();
  }

  start(): void {
    this.#inbox.post(() => this.#takeTime());
  }

  /**
   * Replaces the fleet by a new generation; one at a time.
   * @param commit called at the moment from which there is no way back, when the whole new generation is ready
   */
  roll(generation: Generation, cause: string, commit: () => void): Promise<RollResult> {
    return new Promise((settle) => this.#inbox.post(() => this.#steering.roll({ generation, cause, commit, settle })));
  }

  /** Changes how many workers there shall be; the load (`elastic`) has no say after a person or during a reload. */
  scale(workers: number, source: 'scale' | 'elastic'): void {
    this.#inbox.post(() => this.#steering.scale(workers, source));
  }

  /** Goes back to what the config asks for. */
  scaleByConfig(): void {
    this.#inbox.post(() => this.#steering.scale(null, 'scale'));
  }

  /** Whether `recycle` would do anything now. */
  mayRecycle({ state, slot, inspection }: WorkerHandle, pace: Pace): boolean {
    // One at a time in the fleet, not beside a reload, which replaces all anyway, and not while somebody looks into it.
    return state === 'ready' && inspection === null && !this.#plan.isTurning && !this.#fleet.isRecycling() && this.#slots.mayRecycle(slot, this.#clock.monotonic(), pace);
  }

  /** Replaces one worker, new before old, if its turn has come; else the wish is forgotten. */
  recycle(handle: WorkerHandle, cause: string, pace: Pace): void {
    this.#gate.ifProven(() =>
      this.#inbox.post(() => {
        if (!this.mayRecycle(handle, pace)) return;
        this.#slots.noteRecycled(handle.slot, this.#clock.monotonic());
        handle.recycle = cause;
      }),
    );
  }

  /** @param quick give the calls in flight two seconds; also speeds up a stop that is under way */
  stop(cause: string, quick: boolean): void {
    this.#inbox.post(() => this.#phases.stop(cause, quick));
  }

  #takeTime(): void {
    for (const handle of this.#fleet.all()) {
      if (this.timeLeft(handle) <= 0) this.#reports.takeSilence(handle);
    }
    this.#phases.noteTime();
  }

  /** Brings the fleet closer to what is wanted, and the plan closer to its end. */
  #repair(): void {
    this.#lookedAt = this.#clock.monotonic();
    do {
      this.#staff.perform(this.#reconcile());
    } while (this.#steering.advance(this.#fleet.all(), { now: this.#lookedAt, probation: PROBATION }));
    this.#phases.noteReady(this.#plan.goal.workers);
    this.#shares.share();
    this.#phases.noteGone();
  }

  #reconcile(): Action[] {
    const { rollout, goal, generation } = this.#plan;
    const surge = rollout === null ? 1 : generation.surge(goal.workers);
    return reconcile(this.#plan.reachable, this.#fleet.all(), {
      now: this.#lookedAt,
      surge,
      probation: PROBATION,
      retryAt: (slot) => this.#slots.retryAt(slot),
      accepts: (number) => this.#plan.accepts(number),
      isCanary: rollout?.stage === 'canary',
      together: rollout !== null && surge >= goal.workers,
    });
  }

  /** For everything that happens by time alone: what was still to come when the fleet was looked at last, though it be past now. */
  #setAlarm(): void {
    this.#alarm.set([
      ...this.#fleet.all().map((handle) => this.#staff.deadline(handle)),
      ...this.#fleet.ready().map(({ readyAt }) => (readyAt ?? 0) + PROBATION).filter((at) => at > this.#lookedAt),
      this.#slots.nextRetry(this.#plan.goal.workers, this.#lookedAt),
      this.#phases.deadline,
    ]);
  }
}

/**
 * Nothing is to be repaired after these: of a fleet of hundreds every one would otherwise be looked at for each heartbeat
 * of each. A heartbeat only puts a deadline off, so the alarm that is set may ring early, in vain.
 */
function isRoutine({ state }: WorkerHandle, { type }: FromWorker): boolean {
  return state === 'ready' && ROUTINE.includes(type);
}
