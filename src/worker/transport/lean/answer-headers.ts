/** Runs in a worker. What grpc-js gives as headers and trailers, turned into header blocks. */
import { BlockWriter } from '../../../http2/hpack/encoder.js';
import type { AnswerHeaders } from './lean-stream.js';

/** Nearly all calls of a server have one of a few answers: these are compared value by value before anything is encoded. */
const REMEMBERED = 8;
/** A value of many kilobytes would hold them. */
const LONGEST = 1024;

type AnswerValue = AnswerHeaders[string];

interface Known {
  readonly names: readonly string[];
  readonly values: readonly AnswerValue[];
  readonly block: Buffer;
}

/** RFC 9113 section 8.2.1; and RFC 9110 section 5.1. */
const NAME = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;
/** RFC 9113 section 8.2.2. */
const OF_CONNECTIONS = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te']);
const MESSAGE = 'grpc-message';
const PRINTABLE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;

export class AnswerEncoder {
  readonly #headers = new RecentBlocks();
  readonly #trailers = new RecentBlocks();

  /** Of an answer's begin, or of all of it. The bytes are shared, and must not be changed. */
  headers(headers: AnswerHeaders): Buffer {
    return this.#headers.encode(headers);
  }

  trailers(headers: AnswerHeaders): Buffer {
    return this.#trailers.encode(headers);
  }
}

class RecentBlocks {
  /** The one that was met last first. */
  readonly #known: Known[] = [];
  readonly #writer = new BlockWriter();

  encode(headers: AnswerHeaders): Buffer {
    for (let index = 0; index < this.#known.length; index += 1) {
      const known = this.#known[index];
      if (known === undefined || !isSame(known, headers)) continue;
      if (index > 0) {
        this.#known.splice(index, 1);
        this.#known.unshift(known);
      }
      return known.block;
    }
    return this.#encodeNew(headers);
  }

  #encodeNew(headers: AnswerHeaders): Buffer {
    const names = Object.keys(headers);
    // RFC 9113 section 8.3: before all other fields. grpc-js puts it behind the status of a call.
    for (const name of names) if (name.startsWith(':')) this.#add(name, headers[name]);
    for (const name of names) if (!name.startsWith(':')) this.#add(name, headers[name]);
    const block = this.#writer.take();
    const values = names.map((name) => headers[name]);
    if (block.length <= LONGEST && !values.some((value) => typeof value === 'object')) {
      this.#known.unshift({ names, values, block });
      if (this.#known.length > REMEMBERED) this.#known.pop();
    }
    return block;
  }

  /**
   * What cannot be sent is left out: grpc-js and the guard (src/worker/calls) have looked at what users give, so that
   * can be what a client put into the path, and grpc-js into its message about that.
   */
  #add(name: string, value: AnswerValue): void {
    if (value === undefined || !NAME.test(name) || OF_CONNECTIONS.has(name)) return;
    if (typeof value === 'object') {
      for (const one of value) this.#add(name, one);
      return;
    }
    const text = name === MESSAGE ? printable(String(value)) : String(value);
    if (VALUE.test(text)) this.#writer.add(name, text);
  }
}

function isSame({ names, values }: Known, headers: AnswerHeaders): boolean {
  let count = 0;
  for (const name in headers) {
    if (names[count] !== name || values[count] !== headers[name]) return false;
    count += 1;
  }
  return count === names.length;
}

/** As the gRPC protocol wants Status-Message; grpc-js has done it, but for the path that it does not serve. */
function printable(message: string): string {
  // Through bytes, because a surrogate without its other half cannot be encoded.
  return PRINTABLE.test(message) ? message : encodeURI(Buffer.from(message).toString());
}
