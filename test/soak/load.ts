// Well-behaved clients that keep calls of all kinds in flight until they are told to stop.
import type { CallOrder, ClientTls, Peer } from '../support/calls.js';
import { Deadline } from '../support/deadline.js';
import { PEERS } from '../support/peers.js';
import { probeOrder } from '../support/probe.js';
import type { Account } from './account.js';

interface Kind {
  readonly name: string;
  readonly order: CallOrder;
  readonly expected: string;
  /** Calls of the kind that each client keeps in flight. */
  readonly inFlight: number;
}

const LONG = { timeoutMs: 60_000 };
/** What a client may take longer to say that the time of a call is over, on a machine with much other work; milliseconds. */
const LATE = 30_000;
const message = { body: Buffer.alloc(1000) };
const KINDS: readonly Kind[] = [
  { name: 'unary', order: probeOrder('Probe/Echo', message, LONG), expected: 'OK', inFlight: 4 },
  { name: 'unary that takes a while', order: probeOrder('Probe/Sleep', { ms: 50 }, LONG), expected: 'OK', inFlight: 4 },
  { name: 'large unary', order: probeOrder('Probe/Echo', { size: 300_000 }, LONG), expected: 'OK', inFlight: 1 },
  { name: 'server stream', order: probeOrder('Probe/Repeat', { times: 20, size: 1000, ms: 10 }, LONG), expected: 'OK', inFlight: 2 },
  { name: 'client stream', order: probeOrder('Probe/Collect', Array(20).fill(message), LONG), expected: 'OK', inFlight: 2 },
  { name: 'bidirectional stream', order: probeOrder('Probe/Converse', Array(20).fill(message), { ...LONG, lockstep: true }), expected: 'OK', inFlight: 2 },
  { name: 'application error', order: probeOrder('Probe/Fail', { code: 5, details: 'not found' }, LONG), expected: 'NOT_FOUND', inFlight: 1 },
  { name: 'cancelled stream', order: probeOrder('Probe/Repeat', { times: 1000, size: 1000, ms: 1 }, { ...LONG, cancelAfter: 2 }), expected: 'CANCELLED', inFlight: 1 },
  { name: 'deadline', order: probeOrder('Probe/Sleep', { ms: 5000 }, { timeoutMs: 100 }), expected: 'DEADLINE_EXCEEDED', inFlight: 1 },
];
/** Between two calls, so that two cores have room for whatever else is to happen; milliseconds. */
const PAUSE = 20;

interface OpenCall {
  readonly client: string;
  readonly kind: string;
  readonly from: number;
}

export class SoakLoad {
  readonly #open = new Set<OpenCall>();
  readonly #peers: Peer[] = [];
  readonly #loops: Promise<void>[] = [];
  #isOver = false;

  constructor(address: string, tls: ClientTls, account: Account) {
    for (const client of PEERS.filter(({ skip }) => skip === false)) {
      const peer = client.connect(address, tls);
      this.#peers.push(peer);
      for (const kind of KINDS) {
        for (let i = 0; i < kind.inFlight; i += 1) this.#loops.push(this.#keepCalling(peer, client.name, kind, account));
      }
    }
  }

  /** Calls in flight that have lasted longer than any does that nobody keeps from its end: more than `ms`. */
  older(ms: number): OpenCall[] {
    const before = performance.now() - ms;
    return [...this.#open].filter(({ from }) => from < before);
  }

  /** Ends with the calls in flight. @returns a sentence for each call whose client never said how it ended */
  async stop(): Promise<string[]> {
    this.#isOver = true;
    try {
      await new Deadline(LONG.timeoutMs + LATE).wait(Promise.all(this.#loops), 'the end of the calls').catch((error: unknown) => {
        if (this.#open.size === 0) throw error;
      });
    } finally {
      for (const peer of this.#peers) await peer[Symbol.asyncDispose]();
    }
    const now = performance.now();
    return [...this.#open].map(({ client, kind, from }) => `A call never ended: ${client}, ${kind}, begun ${((now - from) / 1000).toFixed(0)} s before.`);
  }

  async #keepCalling(peer: Peer, client: string, { name: kind, order, expected }: Kind, account: Account): Promise<void> {
    while (!this.#isOver) {
      const from = performance.now();
      const open = { client, kind, from };
      this.#open.add(open);
      const { code, details } = await peer.call(order);
      this.#open.delete(open);
      account.ended({ client, kind, from, to: performance.now(), code, details, expected });
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}
