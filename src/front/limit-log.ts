/** Runs in routers and workers. Tells of clients that came to a limit, without letting a flood of them flood the log. */
import { CLIENT_LIMITS, type ClientLimit } from '../shared/client-limits.js';
import type { Clock } from '../shared/clock.js';
import type { Emit } from '../shared/events.js';

/** Shortest time between two words about the same limit, in milliseconds. */
const INTERVAL = 1000;

export interface LimitLogOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  /** For the totals of the primary. */
  readonly tell: (limit: ClientLimit, count: number) => void;
}

export class LimitLog {
  readonly #options: LimitLogOptions;
  readonly #unsaid = new Map<ClientLimit, { count: number; peer: string }>();
  readonly #quiet = new Set<ClientLimit>();

  constructor(options: LimitLogOptions) {
    this.#options = options;
  }

  /** @param peer address of the client */
  add(limit: ClientLimit, peer: string): void {
    const unsaid = this.#unsaid.get(limit);
    this.#unsaid.set(limit, { count: (unsaid?.count ?? 0) + 1, peer });
    if (!this.#quiet.has(limit)) this.#say(limit);
  }

  /** Says what is still unsaid, before the process ends. */
  flush(): void {
    for (const limit of [...this.#unsaid.keys()]) this.#say(limit);
  }

  #say(limit: ClientLimit): void {
    const { clock, emit, tell } = this.#options;
    const unsaid = this.#unsaid.get(limit);
    if (unsaid === undefined) return;
    this.#unsaid.delete(limit);
    emit('connection.limited', { reason: limit, ...unsaid }, CLIENT_LIMITS[limit]);
    tell(limit, unsaid.count);
    this.#quiet.add(limit);
    clock.after(INTERVAL, () => {
      this.#quiet.delete(limit);
      this.#say(limit);
    });
  }
}
