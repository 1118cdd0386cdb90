/**
 * Runs in the primary. What changes the plan (a reload, a scale, a fault of a new worker, time), and what follows
 * from it for the slots, the boots and the gate.
 */
import type { DaemonError } from '../shared/errors.js';
import type { Emit } from '../shared/events.js';
import type { BootQueue } from './boot-queue.js';
import type { CodeGate } from './code-gate.js';
import type { Phases } from './phases.js';
import type { Plan, RollOrder, Turn } from './plan.js';
import type { WorkerView } from './reconcile.js';
import type { Slots } from './slots.js';

export interface SteeringParts {
  readonly emit: Emit;
  readonly plan: Plan;
  readonly phases: Phases;
  readonly slots: Slots;
  readonly boots: BootQueue;
  readonly gate: CodeGate;
}

export class Steering {
  readonly #parts: SteeringParts;

  constructor(parts: SteeringParts) {
    this.#parts = parts;
  }

  roll(order: RollOrder): void {
    const { emit, plan, phases, slots, boots } = this.#parts;
    if (phases.current !== 'serving') {
      order.settle({ verdict: 'pre-empted', error: null, drained: [] });
      return;
    }
    const { to, cause } = plan.begin(order);
    // Crashes of the old code say nothing about the new.
    slots.forgive();
    boots.setConcurrency(order.generation.bootConcurrency);
    emit('reload.started', { cause, generation: to });
  }

  /** @param wanted null: what the config asks for */
  scale(wanted: number | null, by: 'scale' | 'elastic'): void {
    const { emit, plan, phases, slots, gate } = this.#parts;
    if (phases.current !== 'serving') return;
    const { workers: size } = plan.goal;
    const scaled = plan.scale(wanted, by);
    if (scaled === null) return;
    const { before, after } = scaled;
    if (!plan.isTurning) {
      if (after > size) gate.hold(size);
      slots.forgetFrom(after);
    }
    if (after !== before) emit('fleet.scaled', { before, after, source: plan.goal.source });
  }

  /** A worker ended, or has to, without being asked. */
  noteFault(generation: number, error: DaemonError, permanent: boolean): void {
    this.#follow(this.#parts.plan.noteFault(generation, error, permanent));
  }

  /** Moves a rollout on as far as the fleet allows. @returns whether that changed what is wanted */
  advance(fleet: readonly WorkerView[], limits: { readonly now: number; readonly probation: number }): boolean {
    const turn = this.#parts.plan.advance(fleet, limits);
    this.#follow(turn);
    return turn !== 'none';
  }

  #follow(turn: Turn): void {
    const { plan, slots, gate } = this.#parts;
    if (turn === 'resized') slots.forgetFrom(plan.goal.workers);
    if (turn === 'rolled-back') {
      // What the new generation did wrong is no fault of the old one's slots.
      slots.forgive();
      gate.ask();
    }
  }
}
