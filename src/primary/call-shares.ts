/** Runs in the primary. Gives every worker its share of the cap on calls, and tells it when the share has changed. */
import { countSharers } from './call-sharers.js';
import type { Fleet } from './fleet.js';
import type { StartOrder } from './generation.js';
import type { Phases } from './phases.js';
import type { Plan } from './plan.js';
import type { WorkerHandle } from './worker-handle.js';

export interface CallSharesParts {
  readonly plan: Plan;
  readonly fleet: Fleet;
  readonly phases: Phases;
}

export class CallShares {
  readonly #parts: CallSharesParts;

  constructor(parts: CallSharesParts) {
    this.#parts = parts;
  }

  /** The order that starts the worker, with its share. */
  startOrder(handle: WorkerHandle): StartOrder {
    const { plan } = this.#parts;
    const { slot, generation } = handle;
    // A fleet that starts, and a new generation, share as they will when they are complete.
    const sharers = this.#isWhole() ? Math.max(slot + 1, this.#sharers()) : plan.target;
    const order = plan.generationOf(generation).startMessage(slot, generation, sharers);
    handle.callLimit = order.callLimit;
    return order;
  }

  /** Tells the workers their shares anew when there are more of them, or fewer. */
  share(): void {
    const { plan, fleet } = this.#parts;
    if (plan.generation.config.maximumConcurrentRpcs === null || !this.#isWhole()) return;
    const sharers = this.#sharers();
    for (const handle of fleet.ready()) {
      const limit = plan.generationOf(handle.generation).callLimit(handle.slot, Math.max(sharers, handle.slot + 1));
      if (limit === null || limit === handle.callLimit) continue;
      handle.callLimit = limit;
      handle.send({ type: 'set-call-limit', limit });
    }
  }

  #isWhole(): boolean {
    const { plan, phases } = this.#parts;
    return phases.current === 'serving' && !plan.isTurning;
  }

  #sharers(): number {
    const { plan, fleet } = this.#parts;
    return countSharers(fleet.all().filter(({ generation }) => plan.accepts(generation)));
  }
}
