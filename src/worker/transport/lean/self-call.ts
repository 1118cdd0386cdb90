/** Runs in a worker. The smallest client of the seam: one unary call with an empty request, without a connection. */
import type { LinkOwner } from '../../../front/link.js';
import { BlockWriter } from '../../../http2/hpack/encoder.js';
import { decodeLiteralField, walkFields } from '../../../http2/hpack/walk.js';
import { systemClock } from '../../../shared/clock.js';
import type { OpenStream } from './adapter.js';
import { AnswerEncoder } from './answer-headers.js';
import type { PeerFacts } from '../../../front/peer-facts.js';
import { RequestReader } from './request-headers.js';
import { Session } from './session.js';

const ID = 1;
/** Compressed flag and length of an empty message. */
const EMPTY_MESSAGE = Buffer.alloc(5);
const PREFIX = 5;
const NOBODY: PeerFacts = {
  remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined, certificate: null,
};

/**
 * @param open a server's door without interceptors (adapter.ts)
 * @param path full method name
 * @param timeout in milliseconds
 * @returns the bytes of the response message
 * @throws Error when the call does not end with OK in time
 */
export function selfCall(open: OpenStream, path: string, timeout: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null, message: Buffer): void => {
      clearTimeout(timer);
      // Later: the session is in the middle of something.
      setImmediate(() => session.close());
      if (error === null) resolve(message);
      else reject(error);
    };
    const session = new Session({
      owner: new Answer(settle), peer: NOBODY, open, requests: new RequestReader(Infinity), answers: new AnswerEncoder(),
      clock: systemClock, onLimit: () => undefined,
    });
    const timer = setTimeout(() => settle(new Error(`no answer within ${timeout} ms`), EMPTY_MESSAGE), timeout);
    const block = headerBlock(path);
    session.headers(ID, block, 0, block.length, false);
    session.data(ID, EMPTY_MESSAGE, 0, EMPTY_MESSAGE.length, true);
  });
}

function headerBlock(path: string): Buffer {
  const writer = new BlockWriter();
  writer.add(':method', 'POST');
  writer.add(':scheme', 'http');
  writer.add(':path', path);
  writer.add(':authority', 'self-call');
  writer.add('te', 'trailers');
  writer.add('content-type', 'application/grpc');
  return writer.take();
}

class Answer implements LinkOwner {
  readonly #chunks: Buffer[] = [];
  readonly #settle: (error: Error | null, message: Buffer) => void;

  constructor(settle: (error: Error | null, message: Buffer) => void) {
    this.#settle = settle;
  }

  headers(_id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (!endStream) return;
    let status = 'missing';
    walkFields(buffer, start, end, (from, to) => {
      const { name, value } = decodeLiteralField(buffer, from, to);
      if (name === 'grpc-status') status = value;
    });
    const message = Buffer.concat(this.#chunks).subarray(PREFIX);
    this.#settle(status === '0' ? null : new Error(`it ended with grpc-status ${status}`), message);
  }

  data(_id: number, buffer: Buffer, start: number, end: number): void {
    this.#chunks.push(buffer.subarray(start, end));
  }

  reset(_id: number, code: number): void {
    this.#settle(new Error(`its stream was reset with code ${code}`), EMPTY_MESSAGE);
  }

  fail(_code: number, reason: string): void {
    this.#settle(new Error(reason), EMPTY_MESSAGE);
  }

  windowUpdate(): void {
    // The request is shorter than any window.
  }

  took(): void {
    // As above.
  }
}
