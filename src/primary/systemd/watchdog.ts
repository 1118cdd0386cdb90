/** Runs in the primary. Decides when systemd's watchdog gets its answer: the event loop is prompt, and a worker serves. */
import type { Clock } from '../../shared/clock.js';
import type { Emit } from '../../shared/events.js';

/** Looks in one period of the watchdog, so that one that was late costs nothing. */
const LOOKS = 3;

export interface WatchdogParts {
  /** One that goes on while this process stands still. */
  readonly clock: Clock;
  readonly emit: Emit;
  /** Milliseconds after which systemd ends a service that was silent. */
  readonly period: number;
  /** Why the service is not well; null when it is. */
  readonly ailment: () => string | null;
  readonly ping: () => void;
}

export class Watchdog {
  readonly #parts: WatchdogParts;
  #cancel: () => void = () => undefined;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
    this.#lookLater();
  }

  close(): void {
    this.#cancel();
  }

  #lookLater(): void {
    const { clock, period } = this.#parts;
    const due = clock.monotonic() + period / LOOKS;
    this.#cancel = clock.after(period / LOOKS, () => {
      this.#look(clock.monotonic() - due);
      this.#lookLater();
    });
  }

  /** @param late by how many milliseconds the event loop came to it */
  #look(late: number): void {
    const { emit, period, ailment, ping } = this.#parts;
    const cause = late > period / LOOKS / 2 ? `the event loop of the primary is ${Math.round(late)} ms late` : ailment();
    if (cause === null) ping();
    else emit('systemd.watchdog-withheld', { cause, periodMs: period });
  }
}
