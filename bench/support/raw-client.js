// A gRPC client that needs very little CPU: frames over a socket, the blocks and messages ready-made.
import { connect as tcpConnect } from 'node:net';
import { once } from 'node:events';
import { FLAG, FRAME, SETTING } from '../../dist/http2/constants.js';
import { FrameBuffer } from '../../dist/http2/frame-buffer.js';
import { FrameReader } from '../../dist/http2/frame-reader.js';
import { BlockWriter } from '../../dist/http2/hpack/encoder.js';

const WINDOW = 1024 * 1024;
const FIELDS = [[':method', 'POST'], [':scheme', 'http'], [':authority', 'bench'], ['content-type', 'application/grpc'], ['te', 'trailers'], ['user-agent', 'bench/1']];

/** A message in its envelope: one field of bytes, number 1. */
export function envelope(bytes) {
  const length = [];
  let left = bytes.length;
  for (; left >= 128; left >>>= 7) length.push((left & 127) | 128);
  const head = bytes.length === 0 ? [] : [10, ...length, left];
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(head.length + bytes.length, 1);
  return Buffer.concat([prefix, Buffer.from(head), bytes]);
}

export class RawClient {
  #socket;
  #out = new FrameBuffer();
  #isScheduled = false;
  #streams = [];
  #nextId = 1;
  #connectionWindow = 65_535;
  #streamWindow = 65_535;
  #unread = 0;
  #blocked = [];
  #onDrain = () => undefined;

  static async open(port) {
    const socket = tcpConnect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  constructor(socket) {
    this.#socket = socket;
    const reader = new FrameReader((type, flags, id, buffer, start, end) => this.#onFrame(type, flags, id, buffer, start, end));
    socket.on('data', (chunk) => reader.push(chunk));
    this.#out.preface();
    this.#out.settings([[SETTING.HEADER_TABLE_SIZE, 0], [SETTING.INITIAL_WINDOW_SIZE, WINDOW]]);
    this.#out.windowUpdate(0, WINDOW * 16 - 65_535);
    this.#flushSoon();
  }

  close() {
    this.#socket.destroy();
  }

  /** A call's block, to be used again and again, or with more fields once. */
  static block(method, fields = []) {
    const writer = new BlockWriter();
    for (const [name, value] of [[':path', `/bench.Bench/${method}`], ...FIELDS, ...fields]) writer.add(name, value);
    return writer.take();
  }

  /** Sends the messages and resolves to the number of bytes of DATA that came. */
  call(block, messages) {
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 2;
      const stream = { id, bytes: 0, unread: 0, window: this.#streamWindow, waiting: [], resolve, reject };
      this.#streams[(id - 1) / 2] = stream;
      this.#out.headers(id, block, 0, block.length, false);
      messages.forEach((message, index) => this.#send(stream, message, index === messages.length - 1));
      this.#flushSoon();
    });
  }

  /** Sends a message `count` times on one call. Resolves to the DATA that came. */
  async stream(block, message, count) {
    let stream;
    const end = new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 2;
      const kept = [];
      stream = { id, bytes: 0, unread: 0, window: this.#streamWindow, waiting: [], kept, resolve: () => resolve(Buffer.concat(kept)), reject };
      this.#streams[(id - 1) / 2] = stream;
      this.#out.headers(id, block, 0, block.length, false);
    });
    for (let sent = 0; sent < count; sent += 1) {
      this.#send(stream, message, sent === count - 1);
      this.#flushSoon();
      while (stream.waiting.length > 64 || this.#socket.writableLength > 4 * WINDOW) await new Promise((resolve) => (this.#onDrain = resolve));
    }
    return end;
  }

  #send(stream, message, isLast) {
    for (let at = 0; at < message.length; at += 16_384) {
      const end = Math.min(at + 16_384, message.length);
      stream.waiting.push({ message, at, end, endStream: isLast && end === message.length });
    }
    this.#pump(stream);
  }

  #pump(stream) {
    while (stream.waiting.length > 0) {
      const { message, at, end, endStream } = stream.waiting[0];
      if (end - at > stream.window || end - at > this.#connectionWindow) {
        if (!this.#blocked.includes(stream)) this.#blocked.push(stream);
        return;
      }
      stream.window -= end - at;
      this.#connectionWindow -= end - at;
      this.#out.data(stream.id, message, at, end, endStream);
      stream.waiting.shift();
    }
  }

  #unblock() {
    for (const stream of this.#blocked.splice(0)) this.#pump(stream);
    this.#flushSoon();
    this.#onDrain();
  }

  #onFrame(type, flags, id, buffer, start, end) {
    const stream = id === 0 ? undefined : this.#streams[(id - 1) / 2];
    switch (type) {
      case FRAME.DATA:
        stream.bytes += end - start;
        stream.unread += end - start;
        stream.kept?.push(Buffer.from(buffer.subarray(start, end)));
        this.#unread += end - start;
        if (stream.unread > WINDOW / 2) {
          this.#out.windowUpdate(id, stream.unread);
          stream.unread = 0;
          this.#flushSoon();
        }
        if (this.#unread > WINDOW * 8) {
          this.#out.windowUpdate(0, this.#unread);
          this.#unread = 0;
          this.#flushSoon();
        }
        break;
      case FRAME.SETTINGS:
        if ((flags & FLAG.ACK) !== 0) break;
        for (let at = start; at < end; at += 6) {
          if (buffer.readUInt16BE(at) === SETTING.INITIAL_WINDOW_SIZE) this.#newWindow(buffer.readUInt32BE(at + 2));
        }
        this.#out.settingsAck();
        this.#unblock();
        break;
      case FRAME.PING:
        if ((flags & FLAG.ACK) === 0) this.#out.ping(buffer.subarray(start, end), true);
        this.#flushSoon();
        break;
      case FRAME.WINDOW_UPDATE:
        if (id === 0) this.#connectionWindow += buffer.readUInt32BE(start);
        else if (stream !== undefined) stream.window += buffer.readUInt32BE(start);
        this.#unblock();
        break;
      case FRAME.RST_STREAM:
        stream?.reject(new Error(`stream ${id} was reset with ${buffer.readUInt32BE(start)}`));
        break;
      case FRAME.GOAWAY:
        for (const open of this.#streams) open?.reject(new Error(`GOAWAY ${buffer.readUInt32BE(start + 4)} ${buffer.toString('latin1', start + 8, end)}`));
        break;
      default:
        break;
    }
    if ((type === FRAME.DATA || type === FRAME.HEADERS) && (flags & FLAG.END_STREAM) !== 0) {
      delete this.#streams[(id - 1) / 2];
      stream.resolve(stream.bytes);
    }
  }

  #newWindow(size) {
    const delta = size - this.#streamWindow;
    this.#streamWindow = size;
    for (const stream of this.#streams) if (stream !== undefined) stream.window += delta;
  }

  #flushSoon() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#socket.destroyed) return;
      this.#socket.cork();
      for (const part of this.#out.take()) this.#socket.write(part);
      this.#socket.uncork();
    });
  }
}
