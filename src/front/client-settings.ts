/**
 * Runs in routers and workers. The settings of both sides: ours are said at once and have to be acknowledged in time;
 * of the client's, its links hear what concerns streams (RFC 9113 sections 6.5 and 6.9.2).
 */
import { DEFAULT_WINDOW, ERROR_CODE, SETTING, STREAM_WINDOW } from '../http2/constants.js';
import { findSetting } from '../http2/settings.js';
import type { ClientLimit } from '../shared/client-limits.js';
import type { Clock } from '../shared/clock.js';
import { misfit } from './faults.js';
import { HELLO_TIMEOUT, type FrontLimits } from './front-limits.js';
import { TABLE_SETTING } from './header-lane.js';
import type { Links } from './link.js';
import type { Outlet } from './outlet.js';

export interface ClientSettingsOptions {
  readonly clock: Clock;
  readonly outlet: Outlet;
  readonly links: () => Links;
  readonly onLimit: (limit: ClientLimit) => void;
  /** Our settings were not acknowledged in time. */
  readonly onSilence: (code: number, reason: string) => void;
}

export class ClientSettings {
  readonly #options: ClientSettingsOptions;
  /** `greeting` until the client's first SETTINGS, `settling` until it has acknowledged ours. */
  state: 'greeting' | 'settling' | 'open' = 'greeting';
  #window = DEFAULT_WINDOW;
  /** Settings of the client that are not acknowledged yet. */
  #awaited = 0;
  #cancelTimeout: () => void;

  constructor(options: ClientSettingsOptions) {
    this.#options = options;
    this.#cancelTimeout = options.clock.after(HELLO_TIMEOUT, () => {
      options.onLimit('hello');
      options.outlet.destroy();
    });
  }

  /** What streams of the client may be sent before it says more, in bytes. */
  get window(): number {
    return this.#window;
  }

  announce(limits: FrontLimits): void {
    this.#options.outlet.frames.settings([
      TABLE_SETTING,
      [SETTING.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams],
      [SETTING.INITIAL_WINDOW_SIZE, STREAM_WINDOW],
      [SETTING.MAX_HEADER_LIST_SIZE, limits.maxMetadataSize],
    ]);
  }

  /** @returns whether that was what we were waiting for */
  acknowledged(length: number): boolean {
    if (length !== 0) throw misfit('the acknowledgement of SETTINGS');
    if (this.state !== 'settling') return false;
    this.state = 'open';
    this.#cancelTimeout();
    return true;
  }

  apply(buffer: Buffer, start: number, end: number): void {
    const window = findSetting(buffer, start, end, SETTING.INITIAL_WINDOW_SIZE) ?? this.#window;
    if (this.state === 'greeting') {
      const { clock, onLimit, onSilence } = this.#options;
      this.state = 'settling';
      this.#cancelTimeout();
      this.#cancelTimeout = clock.after(HELLO_TIMEOUT, () => {
        onLimit('settings-ack');
        onSilence(ERROR_CODE.SETTINGS_TIMEOUT, 'SETTINGS that were not acknowledged in time');
      });
    }
    this.#setWindow(window);
  }

  end(): void {
    this.#cancelTimeout();
  }

  /**
   * A smaller window holds once every link has heard of it, and is acknowledged then; a larger one at once, but not before
   * those that came earlier, because clients count.
   */
  #setWindow(window: number): void {
    const previous = this.#window;
    this.#window = window;
    const isAtOnce = window >= previous && this.#awaited === 0;
    if (isAtOnce) this.#acknowledge();
    if (isAtOnce && window === previous) return;
    if (!isAtOnce) this.#awaited += 1;
    this.#options.links().settings(window, () => {
      if (isAtOnce) return;
      this.#awaited -= 1;
      this.#acknowledge();
    });
  }

  #acknowledge(): void {
    this.#options.outlet.frames.settingsAck();
    this.#options.outlet.flushSoon();
  }
}
