/** What files hold, as hashes that every process takes alike; and stamps, which tell a write without reading. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync, type BigIntStats } from 'node:fs';

/** Stands for the content of what is not there, or cannot be read. */
export const ABSENT = 'absent';

/** Above this many bytes a file is known by its stamp alone. */
const LARGEST = 32 * 2 ** 20;

/** Unlike the time of the last write, that of the last change (ctime) cannot be set back. */
export function stampOf(stats: BigIntStats): string {
  if (!stats.isFile()) return stats.isDirectory() ? 'folder' : 'special';
  const { dev, ino, size, ctimeNs } = stats;
  return [dev, ino, size, ctimeNs].join(':');
}

/** Whether `hashOf` its content is its hash; else its stamp is. */
export function hasHash(stats: BigIntStats): boolean {
  return stats.isFile() && stats.size <= LARGEST;
}

export function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('base64');
}

/** Of the file as it is now; null when it is not there, or cannot be looked at. */
export function readStamp(path: string): string | null {
  try {
    return stampOf(statSync(path, { bigint: true }));
  } catch {
    return null;
  }
}

/** The hash of what the file held when it bore that stamp; null when it has been changed since, so that nobody can tell. */
export function hashWhenStamped(path: string, stamp: string | null): string | null {
  try {
    const stats = statSync(path, { bigint: true });
    if (stampOf(stats) !== stamp) return null;
    const hash = hasHash(stats) ? hashOf(readFileSync(path)) : stamp;
    // It may have been written while it was read.
    return readStamp(path) === stamp ? hash : null;
  } catch {
    return stamp === null ? ABSENT : null;
  }
}
