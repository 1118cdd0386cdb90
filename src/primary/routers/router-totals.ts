/** Runs in the primary. What the routers of each index have done since the daemon was started, those that are gone included. */
import { REFUSALS, type Refusals, type RouterLoad } from '../../ipc/router-messages.js';

export type RouterCounts = Pick<RouterLoad, 'calls' | 'lost' | 'refused' | 'faults' | 'bytesRead' | 'bytesWritten'>;

export interface RouterFigures {
  readonly index: number;
  readonly isReady: boolean;
  readonly restarts: number;
  /** What it said last; null before that, and without a router. */
  readonly load: RouterLoad | null;
  /** Since the daemon was started. */
  readonly total: RouterCounts;
}

const NONE: RouterCounts = { calls: 0, lost: 0, refused: { limit: 0, 'no-worker': 0, 'queue-full': 0 }, faults: {}, bytesRead: 0, bytesWritten: 0 };

export class RouterTotals {
  readonly #past = new Map<number, RouterCounts>();

  /** A router has exited. @param load what it said last, if anything */
  noteGone(index: number, load: RouterLoad | null): void {
    this.#past.set(index, this.of(index, load));
  }

  /** @param load of the router that is there now, if any */
  of(index: number, load: RouterLoad | null): RouterCounts {
    return sum(this.#past.get(index) ?? NONE, load ?? NONE);
  }
}

function sum(one: RouterCounts, other: RouterCounts): RouterCounts {
  const names = new Set([...Object.keys(one.faults), ...Object.keys(other.faults)]);
  return {
    calls: one.calls + other.calls,
    lost: one.lost + other.lost,
    // fromEntries forgets what its keys are.
    refused: Object.fromEntries(REFUSALS.map((reason) => [reason, one.refused[reason] + other.refused[reason]])) as Refusals,
    faults: Object.fromEntries([...names].map((name) => [name, (one.faults[name] ?? 0) + (other.faults[name] ?? 0)])),
    bytesRead: one.bytesRead + other.bytesRead,
    bytesWritten: one.bytesWritten + other.bytesWritten,
  };
}
