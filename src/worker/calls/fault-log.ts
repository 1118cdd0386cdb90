/** Runs in a worker. Logs faulty calls without letting a client that provokes them flood the log. */
import type { Clock } from '../../shared/clock.js';
import type { Emit } from '../../shared/events.js';
import type { CallFault } from './call-fault.js';

/** Of one method, this many faults are logged in each span of so many milliseconds; the others are counted. */
const MOST = 10;
const SPAN = 1000;

export class FaultLog {
  readonly #emit: Emit;
  readonly #clock: Clock;
  /** Method -> its faults in the span that runs. */
  readonly #counts = new Map<string, number>();

  constructor(emit: Emit, clock: Clock) {
    this.#emit = emit;
    this.#clock = clock;
  }

  add(fault: CallFault): void {
    const { method } = fault;
    const count = (this.#counts.get(method) ?? 0) + 1;
    this.#counts.set(method, count);
    if (count === 1) this.#clock.after(SPAN, () => this.#close(method));
    if (count <= MOST) this.#emit('call.fault', fault);
  }

  /** Says what is still unsaid, before the worker ends. */
  flush(): void {
    for (const method of this.#counts.keys()) this.#close(method);
  }

  #close(method: string): void {
    const omitted = (this.#counts.get(method) ?? 0) - MOST;
    this.#counts.delete(method);
    if (omitted > 0) this.#emit('call.faults-omitted', { method, count: omitted });
  }
}
