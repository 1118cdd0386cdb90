/**
 * Runs in the primary. Keeps the fleet fit while nothing is wrong: with every heartbeat it asks the policies whether
 * that worker has served enough, and every two seconds whether the fleet has the size that its load needs; then it
 * tells the supervisor what it wishes.
 */
import type { Load } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import { limitsOf, overLimit, UNWORN, wear, type RecycleWish, type Wear, type WorkerLimits } from './recycling-policy.js';
import { decideScale, STEADY, type ScalingState, type ScalingView } from './scaling-policy.js';
import type { Supervisor } from './supervisor.js';
import { utilizationOf } from './utilization.js';
import type { WorkerHandle } from './worker-handle.js';

/** Between two looks at the whole fleet, in milliseconds: about a heartbeat, whose timers are not exact. */
const LOOK_INTERVAL = 1900;

export interface UpkeepOptions {
  readonly clock: Clock;
  /** Numbers in 0..1, for the spread of limits. */
  readonly random: () => number;
  readonly supervisor: Supervisor;
}

interface Papers {
  readonly limits: WorkerLimits;
  wear: Wear;
  /** Kept until it is granted. */
  wish: RecycleWish | null;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #papers = new WeakMap<WorkerHandle, Papers>();
  #scaling: ScalingState = STEADY;
  #lookedAt = -Infinity;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  noteHeartbeat(handle: WorkerHandle, load: Load): void {
    const now = this.#options.clock.monotonic();
    if (handle.state === 'ready') this.#inspect(handle, load, now - (handle.readyAt ?? now));
    if (now - this.#lookedAt < LOOK_INTERVAL) return;
    this.#lookedAt = now;
    this.#look(now);
  }

  /** The worker itself asks to be replaced; the first reason is kept. */
  noteWish(handle: WorkerHandle, cause: string): void {
    const papers = this.#papersOf(handle);
    papers.wish ??= { cause, pace: 'once-a-minute' };
    this.#recycle(handle, papers.wish);
  }

  #inspect(handle: WorkerHandle, load: Load, age: number): void {
    // What a person does to it, a heap snapshot say, is no wear.
    if (handle.inspection !== null) return;
    const papers = this.#papersOf(handle);
    papers.wear = wear(papers.wear, load, age, papers.limits);
    papers.wish ??= overLimit(papers.wear, papers.limits);
    if (papers.wish !== null) this.#recycle(handle, papers.wish);
  }

  #recycle(handle: WorkerHandle, { cause, pace }: RecycleWish): void {
    const { supervisor } = this.#options;
    // After a halted reload nobody knows whether the newest generation can boot.
    if (!supervisor.plan.isMixed && supervisor.mayRecycle(handle, pace)) supervisor.recycle(handle, cause, pace);
  }

  #papersOf(handle: WorkerHandle): Papers {
    const { supervisor, random } = this.#options;
    let papers = this.#papers.get(handle);
    if (papers === undefined) {
      papers = { limits: limitsOf(supervisor.plan.generationOf(handle.generation).config, random()), wear: UNWORN, wish: null };
      this.#papers.set(handle, papers);
    }
    return papers;
  }

  #look(now: number): void {
    const { supervisor } = this.#options;
    const { generation, goal } = supervisor.plan;
    const isOurs = supervisor.phase === 'serving' && !supervisor.plan.isTurning && goal.source !== 'scale';
    if (!isOurs || !generation.isElastic) {
      this.#scaling = STEADY;
      return;
    }
    const limits = { min: generation.minWorkers, max: generation.maxWorkers };
    const { workers, state } = decideScale(this.#scaling, this.#view(now), now, limits);
    this.#scaling = state;
    if (workers < goal.workers || (workers > goal.workers && !supervisor.plan.isMixed)) supervisor.scale(workers, 'elastic');
  }

  #view(now: number): ScalingView {
    const { workers, plan } = this.#options.supervisor;
    const { goal, generation } = plan;
    // A call that has used up half of what a drain would leave it is likely to need more than the other half.
    const { gracefulTimeout, streamGracefulTimeout } = generation.config;
    const longCall = Math.min(gracefulTimeout, streamGracefulTimeout) / 2;
    const ready = workers.filter(({ state }) => state === 'ready');
    const isHeld = ({ load, inspection }: WorkerHandle): boolean => inspection !== null || (load?.oldestCall?.ageMs ?? -1) >= longCall;
    const held = ready.filter(isHeld).map(({ slot }) => slot);
    return {
      workers: goal.workers,
      ready: ready.length,
      utilization: ready.reduce((sum, worker) => sum + utilizationOf(worker, now), 0),
      serving: ready.some(({ load, meter }) => meter.callsPerSecond > 0 || (load?.inFlight ?? 0) > 0),
      free: goal.workers - 1 - Math.max(-1, ...held),
    };
  }
}
