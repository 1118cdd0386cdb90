/** A client that does nothing wrong, on a connection of its own: every call of it has to succeed, with its own answer. */
import { FLAG } from '#src/http2/constants.js';
import { RawClient } from '../support/raw-client.js';
import { MemorySocket } from './memory-socket.js';
import type { Target } from './target.js';

const TURNS = 100_000;

export class Neighbour {
  readonly #socket: MemorySocket;
  readonly #client: RawClient;
  #id = 1;
  calls = 0;

  constructor(target: Target) {
    const client: { current?: RawClient } = {};
    this.#socket = new MemorySocket((bytes) => client.current?.socket.emit('data', bytes));
    const socket = this.#socket;
    target.accept(socket);
    // The client's end of the socket: what it writes is there at once.
    const end = new MemorySocket((bytes) => socket.receive(Buffer.from(bytes)));
    this.#client = client.current = new RawClient(end);
    this.#client.greet().flush();
  }

  /** @returns what went wrong, or null */
  async call(): Promise<string | null> {
    const client = this.#client;
    const id = this.#id;
    this.#id += 2;
    this.calls += 1;
    client.received.length = 0;
    const body = Buffer.from(`\0 call ${id}`);
    client.call(id, '/test.Calls/unary', { metadata: [['x-neighbour', String(id)]] }).message(id, body, true).flush();
    for (let turn = 0; turn < TURNS; turn += 1) {
      const last = client.received.at(-1);
      if (last?.id === id && (last.flags & FLAG.END_STREAM) !== 0) break;
      if (client.received.some(({ type }) => type === 'GOAWAY')) return `the neighbour was sent away: ${client.summary()}`;
      await new Promise(setImmediate);
    }
    const own = client.received.filter((frame) => frame.id === id);
    const answer = own.find(({ type }) => type === 'DATA')?.payload.subarray(5);
    const blocks = own.filter(({ type }) => type === 'HEADERS').map(({ payload }) => client.decode(payload));
    const status = blocks.at(-1)?.find(([name]) => name === 'grpc-status')?.[1];
    client.out.windowUpdate(0, Math.max(1, answer?.length ?? 0) + 5);
    return status === '0' && answer?.equals(body) === true ? null : `the neighbour's call ${id} got status ${status ?? 'none'}: ${client.summary()}`;
  }

  end(): void {
    this.#socket.destroy();
  }
}
