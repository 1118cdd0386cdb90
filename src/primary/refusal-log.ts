/** Runs in the primary. Reports refused connections without letting a flood of them flood the log. */
import type { Clock } from '../shared/clock.js';
import type { Emit } from '../shared/events.js';
import type { RefusalReason } from './dispatcher.js';

/** Shortest time between two lines about the same reason, in milliseconds. */
const INTERVAL = 1000;

export class RefusalLog {
  readonly #emit: Emit;
  readonly #clock: Clock;
  readonly #counts = new Map<RefusalReason, number>();
  readonly #totals = new Map<RefusalReason, number>();
  readonly #quietUntil = new Map<RefusalReason, number>();

  constructor(emit: Emit, clock: Clock) {
    this.#emit = emit;
    this.#clock = clock;
  }

  add(reason: RefusalReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#totals.set(reason, this.total(reason) + 1);
    const now = this.#clock.monotonic();
    if (now < (this.#quietUntil.get(reason) ?? -Infinity)) return;
    this.#quietUntil.set(reason, now + INTERVAL);
    this.#report(reason);
    this.#clock.after(INTERVAL, () => this.#report(reason));
  }

  /** How many there have ever been. */
  total(reason: RefusalReason): number {
    return this.#totals.get(reason) ?? 0;
  }

  /** Says what is still unsaid, before the daemon ends. */
  flush(): void {
    for (const reason of this.#counts.keys()) this.#report(reason);
  }

  #report(reason: RefusalReason): void {
    const count = this.#counts.get(reason) ?? 0;
    if (count === 0) return;
    this.#counts.set(reason, 0);
    this.#emit('connection.refused', { reason, count });
  }
}
