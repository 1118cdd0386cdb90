/** Runs in the primary. How many connections fit into the limit of open files. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/options.js';

/** What is left for files, pipes and links of the process itself. */
const SHARE_FOR_CONNECTIONS = 0.8;
/** Where the limit cannot be told. */
const FALLBACK = 1024;

export function connectionLimits({ maxConnections, maxConnectionsPerAddress }: Pick<Config, 'maxConnections' | 'maxConnectionsPerAddress'>): {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number | null;
} {
  return { maxConnections: maxConnections === 'auto' ? autoMaxConnections() : maxConnections, maxConnectionsPerAddress };
}

export function autoMaxConnections(): number {
  return Math.floor(openFileLimit() * SHARE_FOR_CONNECTIONS);
}

function openFileLimit(): number {
  try {
    const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (limit === 'unlimited') return 2 ** 20;
    return limit === undefined ? FALLBACK : Number(limit);
  } catch {
    return FALLBACK;
  }
}
