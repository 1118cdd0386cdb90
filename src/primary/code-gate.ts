/**
 * Runs in the primary. While the code on disk is not what the generation was proven with, the fleet does not grow
 * and no worker is recycled: nothing new is started that no reload has proven (src/primary/code/proven-code.ts).
 */
import type { Clock } from '../shared/clock.js';
import type { Phases } from './phases.js';
import type { Plan } from './plan.js';

/** How often it is asked again whether a fleet may grow that was kept from it, in milliseconds. */
const GROWTH_INTERVAL = 5000;

/** Whether what is on disk is what the generation was proven with. Never rejects. */
export type IsCodeProven = (generation: number) => Promise<boolean>;

export interface CodeGateParts {
  readonly clock: Clock;
  readonly plan: Plan;
  readonly phases: Phases;
  /** Absent: it always is. */
  readonly isCodeProven: IsCodeProven | undefined;
  readonly post: (take: () => void) => void;
}

export class CodeGate {
  readonly #parts: CodeGateParts;

  constructor(parts: CodeGateParts) {
    this.#parts = parts;
  }

  /** Calls `act` now or soon if the code is proven, and forgets it if not. */
  ifProven(act: () => void): void {
    const { isCodeProven, plan } = this.#parts;
    if (isCodeProven === undefined) act();
    else void isCodeProven(plan.goal.generation).then((proven) => (proven ? act() : undefined));
  }

  /** Keeps the fleet from growing beyond that many workers until the code on disk is known to be proven. */
  hold(workers: number): void {
    const { isCodeProven, plan } = this.#parts;
    if (isCodeProven === undefined) return;
    const isAsked = plan.isHeld;
    plan.hold(workers);
    if (!isAsked) this.ask();
  }

  /** Asks, now and until the answer is yes, whether a fleet that is held may grow. */
  ask(): void {
    const { isCodeProven, plan, phases, clock, post } = this.#parts;
    const { generation } = plan.goal;
    if (!plan.isHeld) return;
    void isCodeProven?.(generation).then((proven) => {
      if (phases.current !== 'serving' || !plan.isHeld) return;
      if (proven) post(() => this.#release(generation));
      else clock.after(GROWTH_INTERVAL, () => this.ask());
    });
  }

  #release(generation: number): void {
    const { plan } = this.#parts;
    if (generation === plan.goal.generation) plan.release();
  }
}
