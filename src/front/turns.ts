/**
 * Runs in routers and workers. Shares the event loop out between connections: one whose frames were enough for a turn
 * is read from again when all others have had theirs. Otherwise whatever one client has sent, megabytes of calls, would
 * be dealt with before the next client's first byte is looked at.
 */
import type { Outlet } from './outlet.js';

/** What reads frames in turns (src/http2/frame-reader.ts). */
export interface TurnReader {
  readonly isPaused: boolean;
  beginTurn(): void;
}

export class Turns {
  readonly #reader: TurnReader;
  readonly #outlet: Outlet;
  readonly #goOn: () => void;
  #writes = 0;

  /** @param goOn makes the reader go on, which may throw nothing */
  constructor(reader: TurnReader, outlet: Outlet, goOn: () => void) {
    this.#reader = reader;
    this.#outlet = outlet;
    this.#goOn = goOn;
  }

  /** Bytes have come. What goes out is written once in a turn, so that a write since then tells of another one for free. */
  begin(): void {
    if (this.#outlet.writes === this.#writes) return;
    this.#writes = this.#outlet.writes;
    this.#reader.beginTurn();
  }

  /** The reader has paused. */
  end(): void {
    this.#outlet.pauseReading('turn');
    setImmediate(() => {
      this.#goOn();
      if (!this.#reader.isPaused) this.#outlet.resumeReading('turn');
    });
  }
}
