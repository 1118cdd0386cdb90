/** What `top` knows and what a key makes of it; pure. */
import type { Status } from '../../control/definition.js';
import { COLUMNS } from '../worker-table.js';

export interface Model {
  /** The newest; null before the first. */
  readonly status: Status | null;
  /** When it came, in milliseconds since the epoch. */
  readonly statusAt: number;
  readonly mode: 'table' | 'help' | 'confirm-reload';
  /** Index in COLUMNS. */
  readonly sort: number;
  /** What an order led to; stays until the next key. */
  readonly message: readonly string[];
}

export type Order = 'quit' | 'suspend' | 'reload' | 'scale-up' | 'scale-down' | 'scale-config';

export const START: Model = { status: null, statusAt: 0, mode: 'table', sort: 0, message: [] };

export const HELP: readonly (readonly [keys: string, meaning: string])[] = [
  ['s, S', 'sort by the next column, by the one before'],
  ['r', 'reload: new config and code, no failed call; asks first'],
  ['+, -', 'one worker more, one fewer; as grpcserverd scale'],
  ['=', 'as many workers as the config says'],
  ['?, h', 'this help'],
  ['q, Ctrl-C', 'quit; the daemon serves on'],
];

const ORDERS: Readonly<Record<string, Order>> = { '+': 'scale-up', '-': 'scale-down', '=': 'scale-config' };

/** The model after a key, and what is to be done; an unknown key only clears the message. */
export function press(model: Model, key: string): { readonly model: Model; readonly order: Order | null } {
  if (key === '\u0003' || (key === 'q' && model.mode === 'table')) return { model, order: 'quit' };
  if (key === '\u001A') return { model, order: 'suspend' };
  const quiet: Model = { ...model, message: [], mode: 'table' };
  if (model.mode === 'confirm-reload') return { model: quiet, order: key === 'y' || key === 'Y' ? 'reload' : null };
  // Any key leaves the help.
  if (model.mode === 'help') return { model: quiet, order: null };
  switch (key) {
    case 's':
      return { model: { ...quiet, sort: (model.sort + 1) % COLUMNS.length }, order: null };
    case 'S':
      return { model: { ...quiet, sort: (model.sort + COLUMNS.length - 1) % COLUMNS.length }, order: null };
    case 'r':
      return { model: { ...quiet, mode: 'confirm-reload' }, order: null };
    case '?':
    case 'h':
      return { model: { ...quiet, mode: 'help' }, order: null };
    default:
      return { model: quiet, order: ORDERS[key] ?? null };
  }
}
