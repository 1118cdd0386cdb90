/** Runs in the primary. Whether an order comes from somebody who knows `adminToken`. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Answer } from '../admin-http.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export class Authorization {
  /** Of the token; null when there is none, and nobody may do anything. */
  readonly #digest: Buffer | null;

  constructor(token: string | null) {
    this.#digest = token === null ? null : digest(token);
  }

  get isPossible(): boolean {
    return this.#digest !== null;
  }

  /**
   * Null when the order may be carried out, else the answer that refuses it. A page of another site cannot send this
   * header without asking first, and is never allowed to: so no order can be forged with somebody's browser.
   * @param header Authorization, RFC 6750 section 2.1
   */
  refuse(header: string | undefined): Answer | null {
    if (this.#digest === null) return { status: 403, text: 'There is no adminToken in the config, so orders are not taken here.\n' };
    const [, token] = /^Bearer ([^ ]+)$/i.exec(header ?? '') ?? [];
    // Digests are of one length, and comparing them takes the same time wherever they differ.
    if (token !== undefined && timingSafeEqual(digest(token), this.#digest)) return null;
    return { status: 401, text: 'That is not the adminToken.\n', headers: { 'www-authenticate': 'Bearer' } };
  }
}
