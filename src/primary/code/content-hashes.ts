/** Runs in the primary. What files hold, as hashes: asynchronous, a few at a time, and only as often as needed. */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import pLimit from 'p-limit';

/** Stands for the content of what is not there, or cannot be read. */
export const ABSENT = 'absent';

/** Files that are read at the same time. */
const CONCURRENCY = 8;
/** Above this many bytes a file is known by its size and times alone. */
const LARGEST = 32 * 2 ** 20;
/** A file that was written this shortly before it was read may be written again without a new time, in ms. */
const RACY = 50;

interface Known {
  readonly stamp: string;
  readonly hash: string;
}

export class ContentHashes {
  readonly #limit = pLimit(CONCURRENCY);
  readonly #known = new Map<string, Known>();

  /** Of what the file holds now. Never rejects. */
  of(path: string): Promise<string> {
    return this.#limit(() => this.#hash(path));
  }

  async #hash(path: string): Promise<string> {
    try {
      const readAt = Date.now();
      const stats = await stat(path, { bigint: true });
      const stamp = stampOf(stats);
      const known = this.#known.get(path);
      if (known?.stamp === stamp) return known.hash;
      if (!stats.isFile()) return stats.isDirectory() ? 'folder' : 'special';
      const hash = stats.size > LARGEST ? stamp : createHash('sha256').update(await readFile(path)).digest('base64');
      if (readAt - Number(stats.ctimeMs) > RACY) this.#known.set(path, { stamp, hash });
      return hash;
    } catch {
      this.#known.delete(path);
      return ABSENT;
    }
  }
}

/** Unlike the time of the last write, that of the last change (ctime) cannot be set back. */
const stampOf = ({ dev, ino, size, ctimeNs }: BigIntStats): string => [dev, ino, size, ctimeNs].join(':');
