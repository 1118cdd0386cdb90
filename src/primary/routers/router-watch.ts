/** Runs in the primary. Finds routers that are late: there is nobody who could take their clients from them, so they are killed. */
import type { Clock } from '../../shared/clock.js';
import type { RouterHandle } from './router-handle.js';

/** How long a router may take until it is ready: it loads no user code. In milliseconds. */
const START_TIMEOUT = 10_000;
/** Between two looks, in milliseconds. */
const LOOK_INTERVAL = 1000;

export interface RouterWatchOptions {
  readonly clock: Clock;
  readonly routers: () => Iterable<RouterHandle>;
  /** In milliseconds. */
  readonly hangTimeout: () => number;
  readonly onLate: (router: RouterHandle, cause: 'startTimeout' | 'silent') => void;
}

export class RouterWatch {
  readonly #options: RouterWatchOptions;
  #cancel: () => void = () => undefined;

  constructor(options: RouterWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.after(LOOK_INTERVAL, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const { clock, routers, hangTimeout, onLate } = this.#options;
    const now = clock.monotonic();
    for (const router of routers()) {
      const isStarting = router.state === 'starting';
      if (now - router.lastSign > (isStarting ? START_TIMEOUT : hangTimeout())) onLate(router, isStarting ? 'startTimeout' : 'silent');
    }
  }
}
