/** Runs in routers and workers. The first bytes of a client: the preface of HTTP/2 (RFC 9113 section 3.4), or something else. */
import { ConnectionError } from '../http2/connection-error.js';
import { ERROR_CODE, PREFACE } from '../http2/constants.js';

const HTTP_1 = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) /;
/** Longer than any method of HTTP/1, and enough to tell. */
const ENOUGH = 8;

export class Hello {
  /** What to answer an HTTP/1 client, in its own words, before it is closed. */
  static readonly REFUSAL = Buffer.from(
    'HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 52\r\n\r\n' +
      'This port speaks gRPC over HTTP/2 and nothing else.\n',
    'latin1',
  );
  static readonly HTTP_1 = new ConnectionError(ERROR_CODE.HTTP_1_1_REQUIRED, 'an HTTP/1 client');

  #seen: Buffer | null = EMPTY;

  get isComplete(): boolean {
    return this.#seen === null;
  }

  /**
   * @returns what follows the preface; null while it is not complete
   * @throws ConnectionError when it is no preface
   */
  read(chunk: Buffer): Buffer | null {
    const seen = this.#seen === null || this.#seen.length === 0 ? chunk : Buffer.concat([this.#seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    if (seen.compare(PREFACE, 0, length, 0, length) !== 0) {
      if (seen.length >= ENOUGH && HTTP_1.test(seen.toString('latin1', 0, ENOUGH))) throw Hello.HTTP_1;
      if (seen.length >= ENOUGH || !mayBeHttp1(seen)) throw new ConnectionError(ERROR_CODE.PROTOCOL_ERROR, 'no preface of HTTP/2');
      this.#seen = seen;
      return null;
    }
    if (length < PREFACE.length) {
      this.#seen = Buffer.from(seen);
      return null;
    }
    this.#seen = null;
    return seen.subarray(PREFACE.length);
  }
}

const EMPTY = Buffer.alloc(0);
const mayBeHttp1 = (seen: Buffer): boolean => /^[A-Z]+ ?$/.test(seen.toString('latin1'));
