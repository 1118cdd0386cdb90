import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ClientConnection } from '#src/front/client-connection.js';
import type { FrontLimits } from '#src/front/front-limits.js';
import type { Link, Links, SwitchOwner } from '#src/front/link.js';
import type { ConnectionError } from '#src/http2/connection-error.js';
import { decodeLiteralField, walkFields } from '#src/http2/hpack/walk.js';
import { BlockWriter } from '#src/http2/hpack/encoder.js';
import type { ClientLimit } from '#src/shared/client-limits.js';
import { FakeClock } from './fake-clock.js';
import { RawClient } from './raw-client.js';

export const LIMITS: FrontLimits = {
  maxConcurrentStreams: 100,
  maxMetadataSize: 16 * 1024,
  keepalive: { time: null, timeout: 20_000, minClientInterval: null },
  maxConnectionAge: null,
  maxConnectionAgeGrace: 30_000,
  maxConnectionIdle: null,
};

/** A context-free block. */
export function block(fields: Readonly<Record<string, string>>): Buffer {
  const writer = new BlockWriter();
  for (const [name, value] of Object.entries(fields)) writer.add(name, value);
  return writer.take();
}

/** A link that writes down what it hears; what it answers is the test's business. */
export class RecordingLink implements Link, Links {
  readonly heard: string[] = [];
  readonly fields = new Map<number, [string, string][]>();
  credited = 0;
  state: 'open' | 'closed' = 'open';
  /** Calls that `settings` has to make, when the test holds them back. */
  held: (() => void)[] | null = null;
  readonly bytes = new Map<number, number>();

  choose(): Link {
    return this;
  }

  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const fields: [string, string][] = [];
    walkFields(buffer, start, end, (from, to) => {
      const { name, value } = decodeLiteralField(buffer, from, to);
      fields.push([name, value]);
    });
    this.fields.set(id, fields);
    this.heard.push(`headers ${id}${endStream ? ' end' : ''}`);
  }

  data(id: number, _buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.bytes.set(id, (this.bytes.get(id) ?? 0) + end - start);
    this.heard.push(`data ${id} ${end - start}${endStream ? ' end' : ''}`);
  }

  reset(id: number, code: number): void {
    this.heard.push(`reset ${id} ${code}`);
  }

  windowUpdate(id: number, increment: number): void {
    this.heard.push(`window ${id} ${increment}`);
  }

  settings(initialWindow: number, applied: () => void): void {
    this.heard.push(`settings ${initialWindow}`);
    if (this.held === null) applied();
    else this.held.push(applied);
  }

  credit(bytes: number): void {
    this.credited += bytes;
  }

  close(): void {
    this.state = 'closed';
  }
}

/** The front of a connection over loopback, a raw client at one side and a recording link at the other. */
export class FrontPair implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly link = new RecordingLink();
  readonly client: RawClient;
  readonly connection: ClientConnection;
  readonly owner: SwitchOwner;
  readonly socket: Socket;
  readonly closed: Promise<ConnectionError | null>;
  /** Limits that the client came to. */
  readonly limited: ClientLimit[] = [];

  private constructor(client: RawClient, socket: Socket, limits: FrontLimits) {
    this.client = client;
    this.socket = socket;
    let owner: SwitchOwner | undefined;
    let onClose: (fault: ConnectionError | null) => void = () => undefined;
    this.closed = new Promise((resolve) => (onClose = resolve));
    this.connection = new ClientConnection({
      socket,
      limits,
      clock: this.clock,
      random: () => 0.5,
      connect: (given) => {
        owner = given;
        return this.link;
      },
      onLimit: (limit) => this.limited.push(limit),
      onClose,
    });
    assert(owner);
    this.owner = owner;
  }

  static async open(limits: Partial<FrontLimits> = {}, speaks: 'frames' | 'text' = 'frames'): Promise<FrontPair> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = await RawClient.connect((server.address() as AddressInfo).port, speaks);
    const [socket] = await accepted;
    server.close();
    return new FrontPair(client, socket, { ...LIMITS, ...limits });
  }

  /** The same, greeted. */
  static async greeted(limits: Partial<FrontLimits> = {}, settings: Parameters<RawClient['greet']>[0] = {}): Promise<FrontPair> {
    const pair = await FrontPair.open(limits);
    pair.client.greet(settings);
    await pair.client.settle();
    return pair;
  }

  /** The link answers with these headers. */
  answer(id: number, fields: Readonly<Record<string, string>>, endStream = false): void {
    const bytes = block(fields);
    this.owner.headers(id, bytes, 0, bytes.length, endStream);
  }

  data(id: number, bytes: Buffer, endStream = false): void {
    this.owner.data(id, bytes, 0, bytes.length, endStream);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.closed;
    assert.equal(this.link.state, 'closed');
    this.clock.advance(1000);
    assert.equal(this.clock.pending, 0, 'timers are left');
  }
}
