/**
 * The limits that a client may come to on its connection, by the names that the log, `status` and the metrics use.
 * What each is, and why, is in docs/security.md; the numbers of floods are in src/front/flood-guard.ts.
 */
import type { EventSpec } from './events.js';

/** How loud the log is about it: what friendly clients do every day is no warning. */
export const CLIENT_LIMITS = {
  resets: 'warn',
  pings: 'warn',
  settings: 'warn',
  'empty-data': 'warn',
  'window-updates': 'warn',
  'idle-frames': 'warn',
  'refused-streams': 'warn',
  'header-block': 'warn',
  'unread-answers': 'warn',
  hello: 'info',
  'settings-ack': 'info',
  'tls-handshake': 'info',
  silent: 'info',
  idle: 'debug',
} as const satisfies Readonly<Record<string, EventSpec['level']>>;

export type ClientLimit = keyof typeof CLIENT_LIMITS;

// Object.keys forgets what the keys are.
export const CLIENT_LIMIT_NAMES = Object.keys(CLIENT_LIMITS) as ClientLimit[];

/** How often clients came to each; those that are missing are 0. */
export type LimitCounts = Readonly<Partial<Record<ClientLimit, number>>>;
