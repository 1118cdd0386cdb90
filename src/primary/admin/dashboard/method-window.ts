/**
 * Runs in the primary. What the calls of each method came to over the last quarter of an hour: what they have come to
 * now, less what they had come to then. The book replaces its rows and never changes them, so what is kept is a list of
 * rows of each moment.
 */
import { HISTORY_MS, type MethodRow, type MethodsFeed } from '../../../control/dashboard-feed.js';
import type { MethodCalls } from '../../../ipc/call-figures.js';
import { GO_CODES } from '../call-samples.js';
import { quantileMs } from './quantile.js';

/** Between two moments, in milliseconds. */
const STEP = 3 * 60_000;
/** Rows of each list. */
const MOST_ROWS = 10;

type Book = ReadonlyMap<string, MethodCalls>;

export class MethodWindow {
  /** Oldest first. */
  #moments: { readonly at: number; readonly book: Book }[];

  constructor(at: number, book: Book) {
    this.#moments = [{ at, book }];
  }

  /** Keeps the moment if it is time for one. @param at milliseconds since the epoch */
  note(at: number, book: () => Book): void {
    const [first, second] = this.#moments;
    const last = this.#moments.at(-1);
    if (last === undefined || at - last.at < STEP) return;
    this.#moments.push({ at, book: book() });
    if (first !== undefined && second !== undefined && at - second.at >= HISTORY_MS) this.#moments.shift();
  }

  rows(book: Book): MethodsFeed {
    const [then = { at: 0, book: new Map<string, MethodCalls>() }] = this.#moments;
    const rows = [...book].map(([key, now]) => describe(now, then.book.get(key))).filter(({ calls }) => calls > 0);
    return {
      since: then.at,
      active: rows.length,
      slowest: rows.toSorted((a, b) => (b.p99Ms ?? 0) - (a.p99Ms ?? 0) || b.calls - a.calls).slice(0, MOST_ROWS),
      failing: rows.filter(({ failed }) => failed > 0).sort((a, b) => b.failed - a.failed).slice(0, MOST_ROWS),
    };
  }
}

function describe(now: MethodCalls, then: MethodCalls | undefined): MethodRow {
  const codes = now.codes.map((count, code) => count - (then?.codes[code] ?? 0));
  const buckets = now.buckets.map((count, bucket) => count - (then?.buckets[bucket] ?? 0));
  const calls = codes.reduce((sum, count) => sum + count, 0);
  return {
    name: `${now.service}/${now.method}`,
    kind: now.kind,
    calls,
    failed: calls - (codes[0] ?? 0),
    errors: errorsOf(codes),
    p50Ms: quantileMs(buckets, 0.5),
    p99Ms: quantileMs(buckets, 0.99),
  };
}

/** Calls that ended otherwise than OK by the name of their status, most first. */
export function errorsOf(codes: readonly number[]): Record<string, number> {
  const named = codes.map((count, code): [string, number] => [GO_CODES[code] ?? String(code), count]);
  return Object.fromEntries(named.slice(1).filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a));
}
