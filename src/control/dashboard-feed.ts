/**
 * What the admin port tells the page that it serves (src/primary/admin/dashboard/ tells, src/dashboard/ shows). Times
 * are milliseconds since the epoch on the server's clock; `seq` only grows while one primary lives.
 */
import type { Status } from './definition.js';

/** The whole server over one round of its workers' heartbeats, two seconds or so. */
export interface Sample {
  readonly seq: number;
  /** Its end. */
  readonly at: number;
  /** Its length. */
  readonly seconds: number;
  /** Calls that ended in it. */
  readonly calls: number;
  /** Of those, the ones that ended otherwise than OK: by the name of the status, such as `NotFound`. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of the calls that ended in it; null without any. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** At its end. */
  readonly inFlight: number;
  readonly connections: number;
  readonly ready: number;
  /** Of the worker with the longest, and of the middle one. */
  readonly delayMs: number;
  readonly medianDelayMs: number;
  /** Resident, of all workers together, of the largest, and of the primary. */
  readonly workersBytes: number;
  readonly largestBytes: number;
  readonly primaryBytes: number;
}

export const MARK_KINDS = ['start', 'reload', 'crash', 'hang', 'recycle', 'scale', 'certificate', 'stop'] as const;
export type MarkKind = (typeof MARK_KINDS)[number];

/** Something that happened, on the time line. */
export interface Mark {
  readonly seq: number;
  readonly at: number;
  readonly kind: MarkKind;
  /** In a few words. */
  readonly title: string;
  /** Why, or what came of it; may be empty. */
  readonly detail: string;
  readonly severity: 'info' | 'warning' | 'error';
}

/** The calls of one method that ended since `MethodsFeed.since`. */
export interface MethodRow {
  /** pkg.Svc/Method */
  readonly name: string;
  readonly kind: string;
  readonly calls: number;
  readonly failed: number;
  /** Calls by the name of their status, OK left out; most first. */
  readonly errors: Readonly<Record<string, number>>;
  /** Null when none ended. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface MethodsFeed {
  readonly since: number;
  /** Methods with calls. */
  readonly active: number;
  readonly slowest: readonly MethodRow[];
  readonly failing: readonly MethodRow[];
}

export interface Feed {
  /** Of this life of the primary: another one has another history. */
  readonly instance: string;
  readonly now: number;
  /** Whether there is an `adminToken` that orders could come with. */
  readonly takesOrders: boolean;
  readonly status: Status;
  /** Those after the ones that the page has. */
  readonly samples: readonly Sample[];
  readonly marks: readonly Mark[];
  readonly methods: MethodsFeed;
}

/** How far back samples and marks go, in milliseconds. */
export const HISTORY_MS = 15 * 60_000;
