import { readFileSync } from 'node:fs';
import { Client, compressionAlgorithms, credentials, type ClientOptions } from '@grpc/grpc-js';
import type { CallOrder, ClientTls, Compression, Load, Outcome, Peer, Tally } from './calls.js';
import { openCall, type OpenCall } from './open-call.js';

/** The peer in this process: a grpc-js client with a connection of its own. */
export class GrpcJsPeer implements Peer {
  readonly #plain: Client;
  readonly #compressing: Readonly<Record<Compression, Client>>;

  constructor(address: string, tls?: ClientTls, options: ClientOptions = {}) {
    const read = (path: string | undefined): Buffer | null => (path === undefined ? null : readFileSync(path));
    const security = tls === undefined ? credentials.createInsecure() : credentials.createSsl(read(tls.ca), read(tls.key), read(tls.cert));
    const all: ClientOptions = {
      // Clients would otherwise share connections with each other, and tests with tests.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
      // The certificates are for localhost too, and newer Nodes refuse an address as the name of a TLS server.
      ...(tls === undefined ? {} : { 'grpc.ssl_target_name_override': tls.name ?? 'localhost' }),
      ...options,
    };
    this.#plain = new Client(address, security, all);
    const compressing = (algorithm: compressionAlgorithms): Client => new Client(address, security, { ...all, 'grpc.default_compression_algorithm': algorithm });
    this.#compressing = { gzip: compressing(compressionAlgorithms.gzip), deflate: compressing(compressionAlgorithms.deflate) };
  }

  call(order: CallOrder): Promise<Outcome> {
    return this.open(order).outcome;
  }

  /** Begins a call and leaves it to the caller when it ends. */
  open(order: CallOrder): OpenCall {
    return openCall(order.compress === undefined ? this.#plain : this.#compressing[order.compress], order);
  }

  load(order: CallOrder, inFlight: number): Load {
    const tally = { calls: 0, codes: {} as Record<string, number>, details: {} as Record<string, string[]> };
    let stopping = false;
    let loaded!: () => void;
    const loading = new Promise<void>((resolve) => (loaded = resolve));
    const work = async (): Promise<void> => {
      while (!stopping) {
        const { code, details } = await this.call(order);
        tally.calls += 1;
        tally.codes[code] = (tally.codes[code] ?? 0) + 1;
        const texts = code === 'OK' ? [] : (tally.details[code] ??= []);
        if (texts.length < 5 && !texts.includes(details)) texts.push(details);
        loaded();
      }
    };
    const workers = Array.from({ length: inFlight }, work);
    const stop = async (): Promise<Tally> => {
      stopping = true;
      await Promise.all(workers);
      return tally;
    };
    return { loading, stop };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#plain.close();
    for (const client of Object.values(this.#compressing)) client.close();
    return Promise.resolve();
  }
}
