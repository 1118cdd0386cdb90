/** Runs in the primary. What each signal asks for; workers ignore INT and HUP (src/worker/main.ts). */
import type { Clock } from '../shared/clock.js';

/** npm and terminals send the same signal twice at once: only a later one is meant as impatience; milliseconds. */
const SECOND_SIGNAL_AFTER = 500;

export interface SignalTarget {
  stop(cause: string, quick: boolean): void;
  /** @param sameConfig restart the workers with the settings that count now */
  reload(cause: string, sameConfig: boolean): void;
  /** One worker more or fewer. */
  scaleBy(difference: number): void;
}

/** Catches signals from its construction on; what comes before there is somebody to obey waits for him. */
export class Signals {
  readonly #clock: Clock;
  readonly #handlers: [NodeJS.Signals, (signal: string) => void][];
  readonly #early: ((target: SignalTarget) => void)[] = [];
  #target: SignalTarget | null = null;
  #firstStop = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    const graceful = (signal: string): void => {
      const impatient = this.#isImpatient();
      this.#order((target) => target.stop(signal, impatient));
    };
    const table: Partial<Record<NodeJS.Signals, (signal: string) => void>> = {
      SIGTERM: graceful,
      SIGINT: graceful,
      SIGQUIT: (signal) => this.#order((target) => target.stop(signal, true)),
      SIGHUP: (signal) => this.#order((target) => target.reload(signal, false)),
      SIGUSR2: (signal) => this.#order((target) => target.reload(signal, true)),
      SIGTTIN: () => this.#order((target) => target.scaleBy(1)),
      SIGTTOU: () => this.#order((target) => target.scaleBy(-1)),
    };
    this.#handlers = Object.entries(table) as [NodeJS.Signals, (signal: string) => void][];
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
  }

  /** From here on somebody obeys, beginning with what has come so far. */
  obey(target: SignalTarget): void {
    this.#target = target;
    for (const order of this.#early.splice(0)) order(target);
  }

  /** Catches them no more. */
  close(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }

  #order(order: (target: SignalTarget) => void): void {
    if (this.#target === null) this.#early.push(order);
    else order(this.#target);
  }

  #isImpatient(): boolean {
    const now = this.#clock.monotonic();
    const impatient = now - this.#firstStop >= SECOND_SIGNAL_AFTER;
    this.#firstStop = Math.min(this.#firstStop, now);
    return impatient;
  }
}
