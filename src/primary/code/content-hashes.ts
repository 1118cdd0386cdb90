/** Runs in the primary. What files hold, as hashes: asynchronous, a few at a time, and only as often as needed. */
import { readFile, stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import { ABSENT, hashOf, hasHash, stampOf } from '../../shared/file-hash.js';

/** Files that are read at the same time. */
const CONCURRENCY = 8;
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
      if (!hasHash(stats)) return stamp;
      const hash = hashOf(await readFile(path));
      if (readAt - Number(stats.ctimeMs) > RACY) this.#known.set(path, { stamp, hash });
      return hash;
    } catch {
      this.#known.delete(path);
      return ABSENT;
    }
  }
}
