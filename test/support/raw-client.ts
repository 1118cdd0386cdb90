import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { FLAG, FRAME, SETTING } from '#src/http2/constants.js';
import { FrameBuffer } from '#src/http2/frame-buffer.js';
import { Decoder } from '#src/http2/hpack/decoder.js';
import { BlockWriter } from '#src/http2/hpack/encoder.js';
import { Deadline } from './deadline.js';
import { WholeFrames } from './whole-frames.js';

export interface RawFrame {
  readonly type: string;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

const TYPES = Object.fromEntries(Object.entries(FRAME).map(([name, type]) => [type, name as keyof typeof FRAME]));

/** A client that sends whatever frames a test wants, and shows whatever comes back. */
export class RawClient implements Disposable {
  /** What is to be sent next. */
  readonly out = new FrameBuffer();
  readonly received: RawFrame[] = [];
  /** Bytes that were no frames: an answer in HTTP/1. */
  text = '';
  readonly socket: Duplex;
  readonly closed: Promise<unknown>;
  readonly #decoder = new Decoder(4096);
  readonly #reader = new WholeFrames(({ type, flags, id, payload }) => {
    this.received.push({ type: TYPES[type] ?? String(type), flags, id, payload });
    if (this.#answersPings && type === FRAME.PING && (flags & FLAG.ACK) === 0) {
      this.out.ping(payload, true);
      this.flush();
    }
  });
  #answersPings = false;
  readonly #deadline = new Deadline(60_000);
  #tell: () => void = () => undefined;

  /** @param speaks false: what comes back is text */
  constructor(socket: Duplex, speaks: 'frames' | 'text' = 'frames') {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.closed = once(socket, 'close').catch(() => undefined);
    socket.on('data', (chunk: Buffer) => {
      if (speaks === 'frames') this.#reader.push(chunk);
      else this.text += chunk.toString('latin1');
      this.#tell();
    });
    socket.once('close', () => this.#tell());
  }

  static async connect(port: number, speaks: 'frames' | 'text' = 'frames'): Promise<RawClient> {
    const socket: Socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.setNoDelay(true);
    return new RawClient(socket, speaks);
  }

  /** Preface, SETTINGS, and the acknowledgement of the server's. */
  greet(settings: Partial<Record<keyof typeof SETTING, number>> = {}): this {
    this.out.preface();
    this.out.settings(Object.entries(settings).map(([name, value]) => [SETTING[name as keyof typeof SETTING], value] as const));
    this.out.settingsAck();
    return this;
  }

  /** As every client of gRPC does, from now on. */
  answerPings(): this {
    this.#answersPings = true;
    return this;
  }

  /** A header block without a dynamic table. */
  headers(id: number, fields: readonly (readonly [string, string])[], endStream = false): this {
    const writer = new BlockWriter();
    for (const [name, value] of fields) writer.add(name, value);
    const block = writer.take();
    this.out.headers(id, block, 0, block.length, endStream);
    return this;
  }

  /** A call's header block. */
  call(id: number, path: string, { endStream = false, metadata = [] }: { endStream?: boolean; metadata?: readonly (readonly [string, string])[] } = {}): this {
    return this.headers(
      id,
      [[':method', 'POST'], [':scheme', 'http'], [':path', path], [':authority', 'test'], ['content-type', 'application/grpc'], ['te', 'trailers'], ...metadata],
      endStream,
    );
  }

  data(id: number, payload: Buffer, endStream = false): this {
    this.out.data(id, payload, 0, payload.length, endStream);
    return this;
  }

  /** A message in its envelope. */
  message(id: number, message: Buffer, endStream = false): this {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    return this.data(id, Buffer.concat([prefix, message]), endStream);
  }

  /** A frame of any kind, right or wrong. @param length what its header says, when that is not the truth */
  frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0), length = payload.length): this {
    this.flush();
    const header = Buffer.alloc(9);
    header.writeUIntBE(length, 0, 3);
    header[3] = type;
    header[4] = flags;
    header.writeUInt32BE(id, 5);
    return this.bytes(Buffer.concat([header, payload]));
  }

  bytes(bytes: Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** Sends what has been written. */
  flush(): this {
    for (const buffer of this.out.take()) this.socket.write(buffer);
    return this;
  }

  /** Resolves with the first frame, from the `from`th on, that is wanted. Rejects when the connection closes before. */
  async next(wanted: (frame: RawFrame) => boolean, from = 0): Promise<RawFrame> {
    this.flush();
    for (;;) {
      const frame = this.received.slice(from).find(wanted);
      if (frame !== undefined) return frame;
      if (this.socket.closed) throw new Error(`closed; received ${this.summary()}`);
      await this.#deadline.wait(new Promise<void>((resolve) => (this.#tell = resolve)), 'a frame', () => this.summary());
    }
  }

  /** Resolves when the server has closed the connection. */
  async end(): Promise<void> {
    this.flush();
    await this.#deadline.wait(this.closed, 'the end of the connection', () => this.summary());
  }

  /** The next frame of that type, on that stream. */
  async frameOf(type: keyof typeof FRAME, id?: number, from = 0): Promise<RawFrame> {
    return this.next((frame) => frame.type === type && (id === undefined || frame.id === id), from);
  }

  /** A round trip: what was sent is dealt with. */
  async settle(): Promise<void> {
    const from = this.received.length;
    const payload = Buffer.from(String(from).padStart(8, '0'));
    this.out.ping(payload, false);
    await this.next(({ type, flags, payload: answer }) => type === 'PING' && (flags & FLAG.ACK) !== 0 && answer.equals(payload), from);
  }

  /** Code and text of the GOAWAY that ends the connection. */
  async goaway(): Promise<{ lastId: number; code: number; text: string }> {
    const { payload } = await this.next(({ type }) => type === 'GOAWAY');
    return { lastId: payload.readUInt32BE(0), code: payload.readUInt32BE(4), text: payload.subarray(8).toString() };
  }

  /** Decodes a block; all of a connection must be decoded, in order. */
  decode(block: Buffer): [string, string][] {
    const fields: [string, string][] = [];
    this.#decoder.decode(block, 0, block.length, (name, value) => fields.push([name, value]));
    return fields;
  }

  summary(): string {
    return this.received.map(({ type, flags, id, payload }) => `${type}(${id}, ${flags}, ${payload.length})`).join(' ');
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
