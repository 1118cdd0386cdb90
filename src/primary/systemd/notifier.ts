/**
 * Runs in the primary. Says to systemd what state the service is in, one message at a time and in order. What it
 * could not say it says again; the service itself never waits for it.
 */
import type { Clock } from '../../shared/clock.js';
import { deferred } from '../../shared/deferred.js';
import { toError } from '../../shared/errors.js';
import type { Emit } from '../../shared/events.js';
import type { Send } from './notify-socket.js';

/** Shortest time between two messages that only bring a new status line, in milliseconds. */
const STATUS_INTERVAL = 1000;
/** When a message that did not arrive is sent again. */
const RETRY_INTERVAL = 5000;
/** While something takes its time, systemd is asked this often for that much more of it. */
const EXTEND_INTERVAL = 10_000;
const EXTENSION = 30_000;
/** Longest status line, in characters. */
const LONGEST_STATUS = 300;
/** States that wait for a socket that is gone; older ones are of no use to anybody. */
const MOST_WAITING = 8;

export interface NotifierParts {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly send: Send;
  /** CLOCK_MONOTONIC, in microseconds. */
  readonly microseconds: () => bigint;
  /** What `systemctl status` shows, as it is now. */
  readonly status: () => string;
  /** Ours, when it becomes that of the main process of a service that runs already; of which nothing is said before. */
  readonly heir?: number | undefined;
}

export class Notifier {
  readonly #parts: NotifierParts;
  readonly #states: (readonly string[])[] = [];
  #phase: 'starting' | 'ready' | 'stopping' = 'starting';
  #reload: 'none' | 'running' = 'none';
  #line: 'free' | 'busy' | 'resting' | 'mute' | 'closed' = 'free';
  #sending: Promise<void> = Promise.resolve();
  readonly #heard = deferred();
  #said: string | null = null;
  #saidAt = -Infinity;
  #extendAt: number;
  #ping: 'none' | 'due' = 'none';
  #trouble: string | null = null;
  #cancel: () => void = () => undefined;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    this.#extendAt = parts.clock.monotonic();
    if (parts.heir !== undefined) this.#line = 'mute';
    this.#speak();
  }

  /** Resolves when systemd has heard for the first time that the service is ready. */
  get heard(): Promise<void> {
    return this.#heard.promise;
  }

  /** The fleet of the first start is ready. */
  ready(): void {
    if (this.#phase !== 'starting') return;
    this.#phase = 'ready';
    const { heir } = this.#parts;
    if (this.#line === 'mute') this.#line = 'free';
    this.#say([...(heir === undefined ? [] : [`MAINPID=${heir}`]), 'READY=1', 'WATCHDOG=1']);
    if (this.#reload === 'running') this.#sayReloading();
  }

  /** A reload begins; one that is asked for during the start is told after it. */
  reloading(): void {
    this.#reload = 'running';
    if (this.#phase === 'ready') this.#sayReloading();
  }

  /** A reload is over, well or badly: in both cases the service is what it says. */
  reloaded(): void {
    this.#reload = 'none';
    if (this.#phase === 'ready') this.#say(['READY=1']);
  }

  stopping(): void {
    if (this.#phase === 'stopping') return;
    this.#phase = 'stopping';
    this.#extendAt = this.#parts.clock.monotonic();
    this.#say(['STOPPING=1']);
  }

  /** The status line may have changed. */
  update(): void {
    this.#speak();
  }

  /** A sign of life. */
  ping(): void {
    this.#ping = 'due';
    this.#speak();
  }

  /** Says nothing for the time being, because another process speaks for the service; resolves when the last message has arrived, or has not. */
  async mute(): Promise<void> {
    this.#cancel();
    this.#line = 'mute';
    await this.#sending;
  }

  unmute(): void {
    if (this.#line !== 'mute') return;
    this.#line = 'free';
    this.#speak();
  }

  /** Says nothing more; a message that is on its way arrives. */
  close(): void {
    this.#line = 'closed';
    this.#cancel();
  }

  #sayReloading(): void {
    this.#extendAt = this.#parts.clock.monotonic();
    // Both in one message: systemd takes a reload to be answered by what was sent after it began.
    this.#say(['RELOADING=1', `MONOTONIC_USEC=${this.#parts.microseconds()}`]);
  }

  #say(state: readonly string[]): void {
    this.#states.push(state);
    if (this.#states.length > MOST_WAITING) this.#states.shift();
    this.#speak();
  }

  #speak(): void {
    if (this.#line !== 'free') return;
    this.#cancel();
    const { clock, send } = this.#parts;
    const now = clock.monotonic();
    const state = this.#states.shift();
    const status = this.#statusLine();
    const isNews = status !== this.#said && (state !== undefined || now >= this.#saidAt + STATUS_INTERVAL);
    const extends_ = this.#isBusy && now >= this.#extendAt;
    const message = [
      ...(state ?? []),
      ...(isNews ? [`STATUS=${status}`] : []),
      ...(extends_ ? [`EXTEND_TIMEOUT_USEC=${EXTENSION * 1000}`] : []),
      ...(this.#ping === 'due' ? ['WATCHDOG=1'] : []),
    ];
    if (message.length === 0) {
      this.#wakeAt(Math.min(status === this.#said ? Infinity : this.#saidAt + STATUS_INTERVAL, this.#isBusy ? this.#extendAt : Infinity));
      return;
    }
    this.#line = 'busy';
    this.#ping = 'none';
    if (extends_) this.#extendAt = now + EXTEND_INTERVAL;
    if (isNews) {
      this.#said = status;
      this.#saidAt = now;
    }
    this.#sending = send(message).then(
      () => this.#arrived(),
      (error: unknown) => this.#failed(state, toError(error).message),
    );
  }

  /** While systemd would end a service that takes too long. */
  get #isBusy(): boolean {
    return this.#phase !== 'ready' || this.#reload === 'running';
  }

  #statusLine(): string {
    // One line: the next one would be an assignment of its own.
    // eslint-disable-next-line no-control-regex -- they are what must not get through
    return this.#parts.status().replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, LONGEST_STATUS);
  }

  #arrived(): void {
    this.#trouble = null;
    if (this.#phase === 'ready' && this.#states.length === 0) this.#heard.resolve();
    this.#free();
  }

  #failed(state: readonly string[] | undefined, error: string): void {
    if (state !== undefined) this.#states.unshift(state);
    this.#said = null;
    if (this.#trouble !== error) this.#parts.emit('systemd.notify-failed', { error });
    this.#trouble = error;
    if (this.#line !== 'busy') return;
    this.#line = 'resting';
    this.#cancel = this.#parts.clock.after(RETRY_INTERVAL, () => {
      this.#line = 'busy';
      this.#free();
    });
  }

  #free(): void {
    if (this.#line !== 'busy') return;
    this.#line = 'free';
    this.#speak();
  }

  #wakeAt(moment: number): void {
    if (moment === Infinity) return;
    this.#cancel = this.#parts.clock.after(Math.max(1, moment - this.#parts.clock.monotonic()), () => this.#speak());
  }
}
