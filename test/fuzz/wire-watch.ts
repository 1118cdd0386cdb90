/** Watches a connection from the client's side: whether what comes is what a client of what was sent must expect. */
import { CONNECTION_WINDOW } from '#src/front/front-limits.js';
import { DEFAULT_WINDOW, FLAG, FRAME, PREFACE, SETTING } from '#src/http2/constants.js';
import { FrameReader } from '#src/http2/frame-reader.js';
import { Decoder } from '#src/http2/hpack/decoder.js';
import { findSetting } from '#src/http2/settings.js';

interface Stream {
  sent: number;
  granted: number;
  /** Of DATA that came. */
  received: number;
  increments: number;
  answer: 'none' | 'begun' | 'ended' | 'reset';
}

export class WireWatch {
  readonly violations: string[] = [];
  /** Frames that the client has sent. */
  frames = 0;
  state: 'open' | 'ending' = 'open';
  readonly #streams = new Map<number, Stream>();
  readonly #decoder = new Decoder(4096);
  readonly #out = new FrameReader((...frame) => this.#onSent(...frame), 2 ** 24);
  readonly #in = new FrameReader((...frame) => this.#onReceived(...frame));
  #preface = PREFACE.length;
  #settings: (number | null)[] = [];
  #window = DEFAULT_WINDOW;
  #pings: string[] = [];
  #highestId = 0;
  #block: { readonly id: number; readonly flags: number; readonly pieces: Buffer[] } | null = null;
  #connection = { sent: 0, granted: CONNECTION_WINDOW, received: 0, increments: DEFAULT_WINDOW };
  #isFirst = true;
  #hasBlock = false;

  sends(bytes: Buffer): void {
    const skipped = Math.min(this.#preface, bytes.length);
    this.#preface -= skipped;
    this.#out.push(bytes.subarray(skipped));
  }

  receives(bytes: Buffer): void {
    this.#in.push(bytes);
  }

  /** As the server will read it, while nothing is wrong. */
  #onSent(type: number, flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    this.frames += 1;
    const size = end - start;
    if (type === FRAME.HEADERS) {
      this.#highestId = Math.max(this.#highestId, id);
      if (!this.#streams.has(id)) this.#streams.set(id, { sent: 0, granted: 0, received: 0, increments: 0, answer: 'none' });
    } else if (type === FRAME.DATA) {
      this.#connection.sent += size;
      const stream = this.#streams.get(id);
      if (stream !== undefined) stream.sent += size;
    } else if (type === FRAME.WINDOW_UPDATE && size === 4) {
      const target = id === 0 ? this.#connection : this.#streams.get(id);
      if (target !== undefined) target.increments += buffer.readUInt32BE(start) & 0x7fff_ffff;
    } else if (type === FRAME.SETTINGS && (flags & FLAG.ACK) === 0 && size % 6 === 0) {
      try {
        this.#settings.push(findSetting(buffer, start, end, SETTING.INITIAL_WINDOW_SIZE));
      } catch {
        // The end of the connection.
      }
    } else if (type === FRAME.PING && (flags & FLAG.ACK) === 0 && size === 8) {
      this.#pings.push(buffer.toString('hex', start, end));
    }
  }

  #onReceived(type: number, flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (this.state === 'ending') this.#note(`a frame of type ${type} after the last GOAWAY`);
    if (this.#isFirst && (type !== FRAME.SETTINGS || (flags & FLAG.ACK) !== 0)) this.#note('no SETTINGS first');
    this.#isFirst = false;
    if (this.#block !== null && (type !== FRAME.CONTINUATION || id !== this.#block.id)) this.#note('a header block is interrupted');
    switch (type) {
      case FRAME.HEADERS:
        this.#block = { id, flags, pieces: [Buffer.from(buffer.subarray(start, end))] };
        if ((flags & FLAG.END_HEADERS) !== 0) this.#onBlock();
        break;
      case FRAME.CONTINUATION:
        this.#block?.pieces.push(Buffer.from(buffer.subarray(start, end)));
        if ((flags & FLAG.END_HEADERS) !== 0) this.#onBlock();
        break;
      case FRAME.DATA:
        this.#onData(id, end - start, flags);
        break;
      case FRAME.RST_STREAM: {
        const stream = this.#streamOf(id, 'RST_STREAM');
        if (stream?.answer === 'reset') this.#note(`a second RST_STREAM on ${id}`);
        if (stream !== undefined) stream.answer = 'reset';
        break;
      }
      case FRAME.WINDOW_UPDATE:
        this.#onGrant(id, buffer.readUInt32BE(start));
        break;
      case FRAME.SETTINGS:
        if ((flags & FLAG.ACK) !== 0) this.#onAcknowledgement();
        break;
      case FRAME.PING:
        if ((flags & FLAG.ACK) !== 0 && this.#pings.shift() !== buffer.toString('hex', start, end)) this.#note('an answer to no PING');
        break;
      case FRAME.GOAWAY:
        if (buffer.readUInt32BE(start + 4) !== 0) this.state = 'ending';
        if (buffer.readUInt32BE(start) > Math.max(this.#highestId, 2 ** 31 - 1)) this.#note('GOAWAY with an id that nobody has used');
        break;
      default:
        this.#note(`a frame of type ${type}`);
    }
  }

  #onBlock(): void {
    const block = this.#block;
    this.#block = null;
    if (block === null) return;
    const bytes = Buffer.concat(block.pieces);
    if (!this.#hasBlock && bytes[0] !== 0x20) this.#note('the first block does not empty the table');
    this.#hasBlock = true;
    const names: string[] = [];
    this.#decoder.decode(bytes, 0, bytes.length, (name) => names.push(name));
    const stream = this.#streamOf(block.id, 'HEADERS');
    if (stream === undefined) return;
    const isEnd = (block.flags & FLAG.END_STREAM) !== 0;
    if (stream.answer === 'none' ? names[0] !== ':status' : names.includes(':status')) this.#note(`wrong headers on ${block.id}: ${names.join(' ')}`);
    if (stream.answer === 'begun' && !isEnd) this.#note(`two headers on ${block.id}`);
    if (stream.answer === 'ended' || stream.answer === 'reset') this.#note(`HEADERS after the end of ${block.id}`);
    if (isEnd && !names.includes('grpc-status') && !names.includes(':status')) this.#note(`no status on ${block.id}`);
    stream.answer = isEnd ? 'ended' : 'begun';
  }

  #onData(id: number, size: number, flags: number): void {
    const stream = this.#streamOf(id, 'DATA');
    if (stream === undefined) return;
    if (stream.answer !== 'begun') this.#note(`DATA on ${id} whose answer is ${stream.answer}`);
    stream.received += size;
    this.#connection.received += size;
    const largest = Math.max(this.#window, ...this.#settings.map((window) => window ?? 0));
    if (size > 0 && stream.received > largest + stream.increments) this.#note(`DATA beyond the window of ${id}`);
    if (size > 0 && this.#connection.received > this.#connection.increments) this.#note('DATA beyond the window of the connection');
    if ((flags & FLAG.END_STREAM) !== 0) stream.answer = 'ended';
  }

  #onGrant(id: number, increment: number): void {
    if (increment === 0 || increment > 2 ** 31 - 1) this.#note(`a window that grows by ${increment}`);
    if (id === 0) {
      const connection = this.#connection;
      connection.granted += increment;
      // The window begins at 65535, and is raised once.
      if (connection.granted - CONNECTION_WINDOW - (CONNECTION_WINDOW - DEFAULT_WINDOW) > connection.sent) this.#note('more credit for the connection than bytes');
      return;
    }
    const stream = this.#streamOf(id, 'WINDOW_UPDATE');
    if (stream === undefined) return;
    stream.granted += increment;
    if (stream.granted > stream.sent) this.#note(`more credit for ${id} than bytes`);
    if (stream.answer === 'ended' || stream.answer === 'reset') this.#note(`WINDOW_UPDATE after the end of ${id}`);
  }

  #onAcknowledgement(): void {
    const window = this.#settings.shift();
    if (window === undefined) this.#note('an acknowledgement of no SETTINGS');
    else this.#window = window ?? this.#window;
  }

  #streamOf(id: number, what: string): Stream | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined) this.#note(`${what} on ${id}, which was not opened`);
    return stream;
  }

  #note(what: string): void {
    this.violations.push(what);
  }
}
