/** Runs in the primary. How often clients came to limits; the fronts of workers and routers tell (src/front/limit-log.ts). */
import { CLIENT_LIMIT_NAMES, type ClientLimit, type LimitCounts } from '../shared/client-limits.js';

export interface LimitTold {
  readonly limit: ClientLimit;
  readonly count: number;
}

export class LimitBook {
  readonly #counts = new Map<ClientLimit, number>();

  add({ limit, count }: LimitTold): void {
    this.#counts.set(limit, this.of(limit) + count);
  }

  of(limit: ClientLimit): number {
    return this.#counts.get(limit) ?? 0;
  }

  /** Those that are not 0. */
  get counts(): LimitCounts {
    return Object.fromEntries(CLIENT_LIMIT_NAMES.flatMap((limit) => (this.#counts.has(limit) ? [[limit, this.of(limit)]] : [])));
  }
}
