import type { ClientTls, Load, Tally } from './calls.js';
import { go, grpcJs, python } from './peers.js';
import { Probe } from './probe.js';

const CHANNELS = 8;
const UNARY_PER_CHANNEL = 8;
/** In milliseconds: what a unary call takes, and how far the messages of a server stream are apart. */
const CALL_TIME = 20;
const PACE = 10;

/**
 * Clients that keep all kinds of calls in flight: eight grpc-js channels with eight unary calls each, one of them
 * with server and bidirectional streams too, and the same from Python and Go where they are installed.
 */
export class MixedLoad implements AsyncDisposable {
  readonly probes: readonly Probe[];
  readonly #loads: readonly Load[];

  constructor(address: string, tls?: ClientTls) {
    const channels = Array.from({ length: CHANNELS }, () => new Probe(grpcJs.connect(address, tls)));
    const foreign = [python, go].filter(({ skip }) => skip === false).map((kind) => new Probe(kind.connect(address, tls)));
    this.probes = [...channels, ...foreign];
    const streaming = [...channels.slice(0, 1), ...foreign];
    this.#loads = [
      ...this.probes.map((probe) => probe.load('Probe/Sleep', { ms: CALL_TIME }, UNARY_PER_CHANNEL)),
      ...streaming.map((probe) => probe.load('Probe/Repeat', { times: 20, size: 1000, ms: PACE }, 2)),
      ...streaming.map((probe) => probe.load('Probe/Converse', Array.from({ length: 20 }, () => ({ size: 1000 })), 2, { lockstep: true })),
    ];
  }

  /** Every kind of call has been answered once. */
  async loading(): Promise<void> {
    await Promise.all(this.#loads.map(({ loading }) => loading));
  }

  /** Ends the load. @returns the number of calls, and the tallies of the loads in which one failed */
  async stop(): Promise<{ calls: number; failed: Tally[] }> {
    const tallies = await Promise.all(this.#loads.map((load) => load.stop()));
    return {
      calls: tallies.reduce((sum, { calls }) => sum + calls, 0),
      failed: tallies.filter(({ calls, codes }) => codes.OK !== calls),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const probe of this.probes) await probe[Symbol.asyncDispose]();
  }
}
