/**
 * Runs in a router. `maximumConcurrentRpcs`, exactly, for the whole server: each call holds a unit from its first byte
 * until its worker has ended it. The primary owns the units and lends them to routers (src/primary/unit-owner.ts).
 */
import type { Clock } from '../shared/clock.js';

/** How long the primary may take to find a unit, in milliseconds. */
const ANSWER_TIMEOUT = 100;

/** A call that waits for a unit. */
export interface UnitSeeker {
  /** It has one from now on. */
  unitFound(): void;
  /** There is none. */
  unitRefused(): void;
}

export interface CallUnitsOptions {
  readonly clock: Clock;
  /** Asks the primary for so many units; it answers with `lend`, if only of 0. */
  readonly ask: (count: number) => void;
  /** Gives units back that the primary has asked for; exactly once for each time that it wanted them `now`. */
  readonly giveBack: (count: number, when: 'now' | 'later') => void;
}

export class CallUnits {
  readonly #options: CallUnitsOptions;
  /** Null: no cap. */
  #lent: number | null = null;
  /** Units that the primary wants back as soon as they are free. */
  #owed = 0;
  #taken = 0;
  /** Whether others may have units that this router has not. */
  #isAlone = true;
  readonly #seekers = new Set<UnitSeeker>();
  #cancelTimeout: (() => void) | null = null;

  constructor(options: CallUnitsOptions) {
    this.#options = options;
  }

  get isLimited(): boolean {
    return this.#lent !== null;
  }

  /** Calls that hold one. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether a call that finds no unit may wait for one. */
  get mayFind(): boolean {
    return !this.#isAlone;
  }

  /** Takes a unit for a new call. @returns false when none is free */
  take(): boolean {
    if (this.#lent !== null && this.#taken >= this.#lent) return false;
    this.#taken += 1;
    return true;
  }

  /** A call is over. */
  release(): void {
    this.#taken -= 1;
    if (this.#owed > 0) this.#returnFree();
    if (this.#seekers.size > 0) this.#serve();
  }

  /** The call that found none waits until there is one, or it is sure that there is none. */
  seek(seeker: UnitSeeker): void {
    this.#seekers.add(seeker);
    if (this.#cancelTimeout !== null) return;
    this.#cancelTimeout = this.#options.clock.after(ANSWER_TIMEOUT, () => this.#refuseAll());
    this.#options.ask(1);
  }

  /** It waits no more. */
  giveUp(seeker: UnitSeeker): void {
    this.#seekers.delete(seeker);
  }

  /**
   * The primary's answer, or its own idea.
   * @param count that many more; null takes the cap away
   * @param isAlone no other router has any
   */
  lend(count: number | null, isAlone: boolean): void {
    this.#isAlone = isAlone;
    if (count === null) {
      this.#lent = null;
      this.#owed = 0;
    } else {
      this.#lent = (this.#lent ?? 0) + count;
    }
    this.#serve();
    if (this.#cancelTimeout === null) return;
    // Others have come while it was looking for the first one's; only when it has none left is it sure.
    if (this.#seekers.size > 0 && count !== 0) this.#options.ask(this.#seekers.size);
    else this.#refuseAll();
  }

  /**
   * The primary wants units back: of `count` those that are free, `now`, or all of them, `later`, when their calls end.
   */
  reclaim(count: number, when: 'now' | 'later'): void {
    if (when === 'now') {
      const free = Math.min(count, this.#free);
      this.#lent = (this.#lent ?? 0) - free;
      this.#options.giveBack(free, 'now');
    } else {
      this.#owed += count;
      this.#returnFree();
    }
  }

  get #free(): number {
    return Math.max(0, (this.#lent ?? 0) - this.#taken);
  }

  #returnFree(): void {
    const count = Math.min(this.#owed, this.#free);
    if (this.#lent === null || count === 0) return;
    this.#lent -= count;
    this.#owed -= count;
    this.#options.giveBack(count, 'later');
  }

  #serve(): void {
    for (const seeker of this.#seekers) {
      if (!this.take()) return;
      this.#seekers.delete(seeker);
      seeker.unitFound();
    }
  }

  #refuseAll(): void {
    this.#cancelTimeout?.();
    this.#cancelTimeout = null;
    const seekers = [...this.#seekers];
    this.#seekers.clear();
    for (const seeker of seekers) seeker.unitRefused();
  }
}
