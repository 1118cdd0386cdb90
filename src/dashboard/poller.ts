/**
 * Runs in the browser. Asks the server for what is new once a second while the page can be seen, and says when the server
 * is gone and when it is back. What the page has shows on meanwhile.
 */
import type { Feed } from '#src/control/dashboard-feed.js';

/** In milliseconds. */
const INTERVAL = 1000;
/** Between tries while the server does not answer: the first, and all after the last. */
const PAUSES = [1000, 1000, 2000, 3000, 5000];
const PATIENCE = 5000;

export interface PollerEvents {
  readonly question: () => string;
  onFeed(feed: Feed): void;
  /** The server does not answer. */
  onGone(): void;
}

export class Poller {
  readonly #events: PollerEvents;
  #timer = 0;
  #failures = 0;
  #isAsking = false;

  constructor(events: PollerEvents) {
    this.#events = events;
  }

  start(): void {
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) clearTimeout(this.#timer);
      else this.poll();
    });
    window.addEventListener('online', () => this.poll());
    this.poll();
  }

  /** Asks now rather than later. */
  poll(): void {
    clearTimeout(this.#timer);
    if (!this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const feed = await this.#fetch();
    this.#isAsking = false;
    this.#failures = feed === null ? this.#failures + 1 : 0;
    const pause = feed === null ? (PAUSES[this.#failures - 1] ?? PAUSES.at(-1)) : INTERVAL;
    if (!document.hidden) this.#timer = window.setTimeout(() => this.poll(), pause);
    if (feed === null) this.#events.onGone();
    else this.#events.onFeed(feed);
  }

  /** Null when there is no answer. */
  async #fetch(): Promise<Feed | null> {
    try {
      const response = await fetch(`dashboard/feed?${this.#events.question()}`, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
      // It is the server that this page came from which says so.
      return response.ok ? ((await response.json()) as Feed) : null;
    } catch {
      return null;
    }
  }
}
