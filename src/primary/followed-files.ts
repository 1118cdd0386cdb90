/**
 * Runs in the primary. The files that some settings name: notices that they are others, waits until they are whole,
 * reads and checks them.
 *
 * It looks instead of watching: what a path leads to is what counts, however it came there. In a secret of Kubernetes
 * a link two steps up the way is exchanged (`..data`), certbot's links get other targets, network file systems tell
 * nobody. A look follows every link, and costs a stat per file.
 */
import { stat } from 'node:fs/promises';
import { utc } from '../config/certificate-dates.js';
import type { Clock } from '../shared/clock.js';
import { DaemonError, systemCode } from '../shared/errors.js';
import { FileTrouble } from './file-trouble.js';

/** Files that do not come to rest are read after this long in any case, in milliseconds. */
export const LONGEST_CHANGE = 10_000;
/** How often bad files are read again that do not change, in milliseconds: a date may come. */
export const RETRY_INTERVAL = 60_000;

export interface FileSource<Material> {
  readonly paths: readonly string[];
  /**
   * Reads and checks all of them.
   * @returns null when the settings want nothing of them
   * @throws DaemonError
   */
  readonly read: (now: Date) => Material | null;
}

export class FollowedFiles<Material> {
  readonly trouble = new FileTrouble();
  readonly #source: FileSource<Material>;
  readonly #clock: Clock;
  /** What was there at the last look. */
  #seen: string | null = null;
  /** What was there when it was read last, and when that was. */
  #tried: string | null = null;
  #triedAt = 0;
  #changedAt = 0;
  #newest: Material | null = null;

  constructor(source: FileSource<Material>, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** The last good reading; null before the first. */
  get newest(): Material | null {
    return this.#newest;
  }

  /**
   * Reads them now, as they are.
   * @throws DaemonError; `newest` stays what it was
   */
  read(now = new Date(this.#clock.now())): Material | null {
    this.#newest = this.#source.read(now);
    this.trouble.ease();
    return this.#newest;
  }

  /** Reads them if they have changed and come to rest: were the same at two looks. Never rejects. */
  async look(): Promise<void> {
    const { paths } = this.#source;
    if (paths.length === 0) return;
    const now = this.#clock.monotonic();
    const before = this.#seen;
    const there = (await Promise.all(paths.map(identify))).join('\n');
    if (before === this.#tried) this.#changedAt = now;
    this.#seen = there;
    const isResting = there === before || now - this.#changedAt >= LONGEST_CHANGE;
    const isWorthAnother = this.trouble.isThere && now - this.#triedAt >= RETRY_INTERVAL;
    if (there === this.#tried ? isWorthAnother : isResting) this.#try(there, now);
  }

  #try(there: string, now: number): void {
    this.#tried = there;
    this.#triedAt = now;
    const date = new Date(this.#clock.now());
    try {
      this.read(date);
    } catch (thrown) {
      const error = DaemonError.from(thrown);
      // An error about dates also says what time it is.
      this.trouble.note({ error, gist: error.message.replaceAll(utc(date), '') }, now);
    }
  }
}

/** Another text when a path leads to another file, or to one with another content. */
async function identify(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return systemCode(error) ?? 'unknown';
  }
}
