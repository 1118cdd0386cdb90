// Loads peers with the raw client, from a process of its own, and checks every answer. Each message from its parent is
// an order, answered with figures or an `error`:
//   { kind: 'closed', port, expect, ms, connections, streams }   so many calls in flight, each followed by the next
//   { kind: 'poisson', port, expect, ms, connections, rate }     calls a second that come at random, whatever becomes of
//     those before; one in a hundred takes long, and times are those of the others
//   { kind: 'download' | 'upload', port, chunks, size }          one stream of messages
// `expect` is the length of an answer. A call that fails has none.
import { setTimeout as sleep } from 'node:timers/promises';
import { LONG } from '../long-call.js';
import { RawClient, envelope } from '../raw-client.js';

const CALLBACK = RawClient.block('Callback');
const REQUEST = envelope(Buffer.from('world'));
const LONG_REQUEST = envelope(Buffer.from(LONG));
const RARE = 100;

class Run {
  times = [];
  calls = 0;
  #order;
  #failure = null;

  constructor(order) {
    this.#order = order;
  }

  async make(clients, begun) {
    await this[this.#order.kind](clients, begun);
    if (this.#failure !== null) throw this.#failure;
  }

  async closed(clients, begun) {
    const { ms, streams } = this.#order;
    const again = async (client) => {
      for (let now = begun; now < begun + ms && this.#failure === null; now = performance.now()) await this.#call(client, now, false);
    };
    await Promise.all(clients.flatMap((client) => Array.from({ length: streams }, () => again(client))));
  }

  /** Each client in turn; a call that should have begun earlier counts from then. */
  async poisson(clients, begun) {
    const { ms, rate } = this.#order;
    const ends = [];
    for (let due = begun; due < begun + ms && this.#failure === null;) {
      due += (-Math.log(1 - Math.random()) / rate) * 1000;
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      ends.push(this.#call(clients[ends.length % clients.length], due, ends.length % RARE === RARE - 1));
    }
    await Promise.all(ends);
  }

  async download([client]) {
    const { chunks, size } = this.#order;
    const fields = Buffer.from([8, ...varint(chunks), 16, ...varint(size)]);
    const bytes = await client.call(RawClient.block('Download'), [Buffer.concat([Buffer.from([0, 0, 0, 0, fields.length]), fields])]);
    const expected = chunks * envelope(Buffer.alloc(size)).length;
    if (bytes !== expected) throw new Error(`${bytes} bytes came, not ${expected}`);
  }

  async upload([client]) {
    const { chunks, size } = this.#order;
    const answer = await client.stream(RawClient.block('Upload'), envelope(Buffer.alloc(size, 7)), chunks);
    const tally = Buffer.from([8, ...varint(chunks)]);
    if (!answer.subarray(5).equals(tally)) throw new Error(`the answer was ${answer.toString('hex')}, not ${chunks} messages`);
  }

  /** Never rejects: many run at once, and the first failure is the one to tell. */
  async #call(client, begun, isLong) {
    const { expect } = this.#order;
    try {
      const bytes = await client.call(CALLBACK, [isLong ? LONG_REQUEST : REQUEST]);
      if (bytes !== expect) throw new Error(`a call was answered with ${bytes} bytes, not ${expect}`);
      this.calls += 1;
      if (!isLong) this.times.push(performance.now() - begun);
    } catch (error) {
      this.#failure ??= error;
    }
  }
}

function varint(value) {
  const octets = [];
  let left = value;
  for (; left >= 128; left >>>= 7) octets.push((left & 127) | 128);
  return [...octets, left];
}

async function measure(order) {
  const clients = await Promise.all(Array.from({ length: order.connections ?? 1 }, () => RawClient.open(order.port)));
  try {
    const run = new Run(order);
    const before = process.cpuUsage();
    const begun = performance.now();
    await run.make(clients, begun);
    const ms = performance.now() - begun;
    const { user, system } = process.cpuUsage(before);
    const times = run.times.sort((a, b) => a - b);
    const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? null;
    return { calls: run.calls, ms, clientUs: user + system, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
  } finally {
    for (const client of clients) client.close();
  }
}

process.on('message', (order) => measure(order).catch((error) => ({ error: error.message })).then((result) => process.send(result)));
