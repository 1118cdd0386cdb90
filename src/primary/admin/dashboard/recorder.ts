/**
 * Runs in the primary. The last fifteen minutes of the whole server, from nothing but what heartbeats bring anyway: so
 * they are there when somebody opens the dashboard, and a dashboard that is open asks no worker for anything.
 */
import type { MethodsFeed, Sample } from '../../../control/dashboard-feed.js';
import type { CallFigures, MethodCalls } from '../../../ipc/call-figures.js';
import type { Clock } from '../../../shared/clock.js';
import { MethodWindow } from './method-window.js';
import { Recent } from './recent.js';
import { Round } from './round.js';
import { describeSample, type SampledFleet } from './sample.js';

/** A round takes two seconds; one that is cut short by workers that come and go takes less. */
const MOST_SAMPLES = 900;

export interface RecorderParts {
  readonly clock: Clock;
  /** What the calls of each method have come to, all workers together. */
  readonly book: () => ReadonlyMap<string, MethodCalls>;
  /** As it is now: no more is asked than a sample holds, for nobody may ever look. */
  readonly fleet: () => SampledFleet;
  /** The workers that tell. */
  readonly serving: () => readonly number[];
}

export class Recorder {
  readonly #parts: RecorderParts;
  readonly #samples = new Recent<Sample>(MOST_SAMPLES);
  readonly #round: Round;
  readonly #methods: MethodWindow;
  #rows: MethodsFeed | null = null;

  constructor(parts: RecorderParts) {
    const { clock, book } = parts;
    this.#parts = parts;
    this.#round = new Round(clock.monotonic());
    this.#methods = new MethodWindow(clock.now(), book());
  }

  /** A worker says what its calls have come to. @param isBeat by itself, as it does with each heartbeat */
  told(worker: number, { methods }: CallFigures, isBeat: boolean): void {
    const { clock, serving } = this.#parts;
    if (isBeat && this.#round.isOverBefore(worker, clock.monotonic())) this.#end();
    this.#round.add(methods);
    if (!isBeat) return;
    this.#round.noteTold(worker);
    if (this.#round.isOver(serving, clock.monotonic())) this.#end();
  }

  samplesAfter(seq: number): readonly Sample[] {
    return this.#samples.after(seq);
  }

  get methods(): MethodsFeed {
    return (this.#rows ??= this.#methods.rows(this.#parts.book()));
  }

  #end(): void {
    const { clock, fleet, book } = this.#parts;
    const now = clock.now();
    this.#samples.add(describeSample(this.#round.take(clock.monotonic()), fleet(), now, residentBytes()));
    this.#methods.note(now, book);
    this.#rows = null;
  }
}

/** 0 when the process is out of descriptors: Node needs one for this. */
function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}
