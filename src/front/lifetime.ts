/** Runs in routers and workers. How long a connection may be silent (gRFC A8), idle, and old (gRFC A9). */
import type { ClientLimit } from '../shared/client-limits.js';
import type { Clock } from '../shared/clock.js';
import type { FrontLimits } from './front-limits.js';
import type { Outlet } from './outlet.js';

const KEEPALIVE = Buffer.from('keepaliv', 'latin1');
/** Ages differ by as much, up and down, so that clients that came together do not leave together (gRFC A9). */
const JITTER = 0.1;

export interface LifetimeOptions {
  readonly limits: FrontLimits;
  readonly clock: Clock;
  /** A number in 0..1. */
  readonly random: () => number;
  readonly outlet: Outlet;
  readonly streams: () => number;
  readonly onLimit: (limit: ClientLimit) => void;
  /** @param grace in milliseconds */
  readonly leave: (reason: string, grace: number) => void;
}

export class Lifetime {
  readonly #options: LifetimeOptions;
  #lastSign: number;
  #idleSince: number;
  readonly #cancels: { keepalive?: () => void; idle?: () => void; age?: () => void } = {};

  constructor(options: LifetimeOptions) {
    this.#options = options;
    this.#lastSign = options.clock.monotonic();
    this.#idleSince = this.#lastSign;
  }

  begin(): void {
    const { clock, limits, random, leave } = this.#options;
    const spread = (ms: number): number => ms * (1 - JITTER + 2 * JITTER * random());
    this.#watchSilence(limits.keepalive.time);
    this.#watchIdleness(limits.maxConnectionIdle);
    const { maxConnectionAge: age, maxConnectionAgeGrace: grace } = limits;
    if (age !== null) this.#cancels.age = clock.after(spread(age), () => leave('max_age', spread(grace)));
  }

  /** The client has said something: bytes that never make up a frame are no sign of life. */
  noteSign(): void {
    this.#lastSign = this.#options.clock.monotonic();
  }

  /** The last stream has ended. */
  noteIdle(): void {
    this.#idleSince = this.#options.clock.monotonic();
  }

  end(): void {
    for (const cancel of Object.values(this.#cancels)) cancel();
  }

  #watchSilence(wait: number | null): void {
    const { clock, limits, outlet, onLimit } = this.#options;
    const { time, timeout } = limits.keepalive;
    if (time === null || wait === null) return;
    this.#cancels.keepalive = clock.after(wait, () => {
      const left = time - (clock.monotonic() - this.#lastSign);
      if (left > 0) {
        this.#watchSilence(left);
        return;
      }
      outlet.frames.ping(KEEPALIVE, false);
      outlet.flushSoon();
      const asked = clock.monotonic();
      this.#cancels.keepalive = clock.after(timeout, () => {
        if (this.#lastSign >= asked) {
          this.#watchSilence(time - (clock.monotonic() - this.#lastSign));
          return;
        }
        onLimit('silent');
        outlet.destroy();
      });
    });
  }

  #watchIdleness(wait: number | null): void {
    const { clock, limits, streams, leave, onLimit } = this.#options;
    const { maxConnectionIdle: limit, maxConnectionAgeGrace: grace } = limits;
    if (limit === null || wait === null) return;
    this.#cancels.idle = clock.after(wait, () => {
      const idle = streams() === 0 ? clock.monotonic() - this.#idleSince : 0;
      if (idle < limit) {
        this.#watchIdleness(limit - idle);
        return;
      }
      onLimit('idle');
      leave('max_idle', grace);
    });
  }
}
