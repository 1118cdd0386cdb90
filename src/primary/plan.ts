/**
 * Runs in the primary. What is wanted of the fleet: how many workers, of which generations, who said so, and the
 * rollout from one generation to the next. It knows workers only as it is told of them; the supervisor acts.
 */
import type { DrainedWorker, GoalSource } from '../control/definition.js';
import type { DaemonError } from '../shared/errors.js';
import type { Generation } from './generation.js';
import { isProven, type Goal, type WorkerView } from './reconcile.js';
import { Rollout } from './rollout.js';

/** How a rollout ended. */
export interface RollResult {
  readonly verdict: 'done' | 'rolled-back' | 'halted' | 'pre-empted';
  readonly error: DaemonError | null;
  readonly drained: readonly DrainedWorker[];
}

export interface RollOrder {
  readonly generation: Generation;
  readonly cause: string;
  /** Called at the moment from which there is no way back. */
  readonly commit: () => void;
  readonly settle: (result: RollResult) => void;
}

/** Everything that a rollout may have to go back to. */
interface Wanted {
  readonly goal: Goal;
  readonly source: GoalSource;
  /** Generations whose workers may stay; more than one only after a reload was halted. */
  readonly accepted: readonly number[];
  /** Slots from this one on stay empty until it is known that the code on disk is proven. */
  readonly held: number;
}

interface Rolling {
  readonly rollout: Rollout;
  readonly order: RollOrder;
  before: Wanted;
  /** How many workers there shall be when it is done. */
  workers: number;
  readonly drained: DrainedWorker[];
}

/** What a step of a rollout asks of the supervisor. */
export type Turn = 'none' | 'moved' | 'rolled-back' | 'resized';

export class Plan {
  readonly #first: Generation;
  readonly #generations = new Map<number, Generation>();
  #wanted: Wanted;
  #newest = 1;
  #rolling: Rolling | null = null;

  constructor(first: Generation) {
    this.#first = first;
    this.#generations.set(1, first);
    this.#wanted = { goal: { workers: first.minWorkers, generation: 1 }, source: 'config', accepted: [1], held: Infinity };
  }

  get goal(): Goal & { readonly source: GoalSource } {
    return { ...this.#wanted.goal, source: this.#wanted.source };
  }

  /** The goal as far as the fleet may come up to it now. */
  get reachable(): Goal {
    const { goal, held } = this.#wanted;
    return { ...goal, workers: Math.min(goal.workers, held) };
  }

  /** How many workers there shall be once everything that is under way is done. */
  get target(): number {
    return this.#rolling?.workers ?? this.#wanted.goal.workers;
  }

  get isHeld(): boolean {
    return this.#wanted.held !== Infinity;
  }

  get rollout(): Rollout | null {
    return this.#rolling?.rollout ?? null;
  }

  /** True while a reload has not brought its whole new generation up. */
  get isTurning(): boolean {
    return this.#rolling !== null && this.#rolling.rollout.stage !== 'draining';
  }

  /** True after a halted reload, until the next one. */
  get isMixed(): boolean {
    return this.#wanted.accepted.length > 1;
  }

  /** What the workers of the goal's generation are started with. */
  get generation(): Generation {
    return this.generationOf(this.#wanted.goal.generation);
  }

  /** What the workers of a generation are started with. One without workers is forgotten; the goal's own is always there. */
  generationOf(number: number): Generation {
    return this.#generations.get(number) ?? this.#first;
  }

  accepts(generation: number): boolean {
    return this.#wanted.accepted.includes(generation);
  }

  /** Begins a rollout; the caller has seen to it that none runs. */
  begin(order: RollOrder): Rollout {
    const { generation, cause } = order;
    const { goal, source } = this.#wanted;
    const old = this.generation;
    this.#newest += 1;
    const rollout = new Rollout(goal.generation, this.#newest, cause);
    this.#generations.set(rollout.to, generation);
    const keepsScale = source === 'scale' && old.minWorkers === generation.minWorkers && old.maxWorkers === generation.maxWorkers;
    const size = keepsScale ? { workers: generation.clampScale(goal.workers), source } : generation.sizeFrom(goal.workers);
    this.#rolling = { rollout, order, before: this.#wanted, workers: size.workers, drained: [] };
    this.#wanted = {
      // Until the new ones serve, none of the old is too many.
      goal: { workers: Math.max(size.workers, goal.workers), generation: rollout.to },
      source: size.source,
      accepted: [rollout.to],
      held: Infinity,
    };
    return rollout;
  }

  /** A worker that was asked to leave by the rollout has left. */
  noteDrained(drained: DrainedWorker): void {
    this.#rolling?.drained.push(drained);
  }

  /** A worker ended, or has to, without being asked. */
  noteFault(generation: number, error: DaemonError, permanent: boolean): Turn {
    const rolling = this.#rolling;
    if (rolling?.rollout.to !== generation) return 'none';
    switch (rolling.rollout.noteFailure(error, permanent)) {
      case 'roll-back':
        this.#wanted = rolling.before;
        this.#end('rolled-back', rolling.rollout.error);
        return 'rolled-back';
      case 'halt':
        this.#wanted = { ...this.#wanted, accepted: [rolling.rollout.from, rolling.rollout.to] };
        this.resize(rolling.workers);
        this.#end('halted', rolling.rollout.error);
        return 'resized';
      case 'retry':
      case null:
        return 'none';
    }
  }

  /** Moves a rollout on as far as the fleet allows. @param limits as those of `reconcile` */
  advance(fleet: readonly WorkerView[], limits: { readonly now: number; readonly probation: number }): Turn {
    if (this.#rolling === null) return 'none';
    const { rollout, workers, order } = this.#rolling;
    const fresh = fleet.filter(({ generation }) => generation === rollout.to);
    switch (rollout.stage) {
      case 'canary':
        if (!fresh.some(({ state }) => state === 'ready')) return 'none';
        rollout.canaryProven();
        return 'moved';
      case 'starting':
        if (new Set(fresh.filter((worker) => isProven(worker, limits)).map(({ slot }) => slot)).size < this.#wanted.goal.workers) return 'none';
        rollout.complete();
        order.commit();
        this.resize(workers);
        return 'resized';
      case 'draining':
        if (fresh.length < fleet.length) return 'none';
        for (const number of this.#generations.keys()) if (number !== rollout.to) this.#generations.delete(number);
        this.#end('done', null);
        return 'moved';
    }
  }

  /** A stop: nothing is wanted any more. */
  stop(): void {
    this.resize(0);
    this.#end('pre-empted', null);
  }

  /**
   * Changes the size; during a reload it counts when the new generation serves, or when the old one goes on.
   * @param wanted null: what the config asks for
   * @returns the sizes before and after, or null when whoever asks has no say now
   */
  scale(wanted: number | null, by: 'scale' | 'elastic'): { readonly before: number; readonly after: number } | null {
    // The load has no say after a person, nor while a new generation comes up.
    if (by === 'elastic' && (this.#wanted.source === 'scale' || this.isTurning)) return null;
    const before = this.target;
    const { workers, source } = wanted === null ? this.generation.sizeFrom(before) : { workers: wanted, source: by };
    this.#wanted = { ...this.#wanted, source };
    if (this.#rolling !== null) this.#rescale(this.#rolling, workers, source);
    if (!this.isTurning) this.resize(workers);
    return { before, after: workers };
  }

  resize(workers: number): void {
    this.#wanted = { ...this.#wanted, goal: { ...this.#wanted.goal, workers } };
  }

  /** Keeps the fleet from growing beyond that many workers, until `release`. */
  hold(workers: number): void {
    this.#wanted = { ...this.#wanted, held: Math.min(this.#wanted.held, workers) };
  }

  release(): void {
    this.#wanted = { ...this.#wanted, held: Infinity };
  }

  #rescale(rolling: Rolling, workers: number, source: GoalSource): void {
    const { before } = rolling;
    const held = workers > before.goal.workers ? Math.min(before.held, before.goal.workers) : before.held;
    rolling.workers = workers;
    rolling.before = { ...before, source, goal: { ...before.goal, workers }, held };
  }

  #end(verdict: RollResult['verdict'], error: DaemonError | null): void {
    const rolling = this.#rolling;
    this.#rolling = null;
    rolling?.order.settle({ verdict, error, drained: rolling.drained });
  }
}
