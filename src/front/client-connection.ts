/**
 * Runs in routers and workers. One client connection, from its preface to its last byte: what the frames of the
 * client mean, and which of them its links hear of (RFC 9113). How it ends politely is farewell.ts, how long it may
 * last lifetime.ts.
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '../shared/clock.js';
import { ConnectionError } from '../http2/connection-error.js';
import { DEFAULT_WINDOW, ERROR_CODE, FLAG, FRAME, SETTING, STREAM_WINDOW } from '../http2/constants.js';
import { ReceiveWindow } from '../http2/flow-window.js';
import { FrameReader } from '../http2/frame-reader.js';
import { parseSettings } from '../http2/settings.js';
import { StreamTable } from '../http2/stream-table.js';
import { Farewell } from './farewell.js';
import { CONNECTION_WINDOW, HELLO_TIMEOUT, type FrontLimits } from './front-limits.js';
import { FrontStream } from './front-stream.js';
import { HeaderBlock } from './header-block.js';
import { HeaderLane, TABLE_SETTING } from './header-lane.js';
import { Hello } from './hello.js';
import { Lifetime } from './lifetime.js';
import type { LinkOwner, Links } from './link.js';
import { Outlet } from './outlet.js';
import { metadataTooLarge } from './own-answers.js';
import { Sender } from './sender.js';

/** A header block as it is sent may be that many times as large as the list that it may hold. */
const BLOCK_SLACK = 4;

export interface ClientConnectionOptions {
  /** A TCP or unix socket, or a TLS session whose handshake is done. Owned from here on. */
  readonly socket: Duplex;
  readonly limits: FrontLimits;
  readonly clock: Clock;
  /** Numbers in 0..1, for the spread of ages. */
  readonly random: () => number;
  /** Makes the links; called once, at once. */
  readonly connect: (owner: LinkOwner) => Links;
  /** The connection is gone. `fault`: what the client did wrong, if that was why. */
  readonly onClose: (fault: ConnectionError | null) => void;
}

export class ClientConnection implements LinkOwner {
  readonly #limits: FrontLimits;
  readonly #clock: Clock;
  readonly #links: Links;
  readonly #onClose: ClientConnectionOptions['onClose'];
  readonly #outlet: Outlet;
  readonly #sender: Sender;
  readonly #hello = new Hello();
  readonly #reader = new FrameReader((type, flags, id, buffer, start, end) => this.#onFrame(type, flags, id, buffer, start, end));
  readonly #streams = new StreamTable<FrontStream>();
  readonly #lane: HeaderLane;
  readonly #block: HeaderBlock;
  readonly #received = new ReceiveWindow(CONNECTION_WINDOW, DEFAULT_WINDOW);
  readonly #farewell: Farewell;
  readonly #lifetime: Lifetime;
  #state: 'greeting' | 'settling' | 'open' | 'closed' = 'greeting';
  #cancelTimeout: () => void;
  /** Of the streams that the client has opened. */
  #highestId = 0;
  #clientWindow = DEFAULT_WINDOW;
  #fault: ConnectionError | null = null;

  constructor({ socket, limits, clock, random, connect, onClose }: ClientConnectionOptions) {
    this.#limits = limits;
    this.#clock = clock;
    this.#onClose = onClose;
    this.#lane = new HeaderLane(limits.maxMetadataSize);
    this.#block = new HeaderBlock(limits.maxMetadataSize * BLOCK_SLACK);
    this.#outlet = new Outlet(socket, { clock, onSent: () => this.#sender.credit(), onClose: () => this.#closed() });
    this.#sender = new Sender(this.#outlet.frames, (stream) => this.#ended(stream));
    this.#farewell = new Farewell({
      clock,
      outlet: this.#outlet,
      highestId: () => this.#highestId,
      streams: () => this.#streams.size,
      isSettled: () => this.#state === 'open',
    });
    this.#lifetime = new Lifetime({
      limits, clock, random,
      outlet: this.#outlet,
      streams: () => this.#streams.size,
      leave: (reason, grace) => this.leave(reason, grace),
    });
    this.#cancelTimeout = clock.after(HELLO_TIMEOUT, () => this.#outlet.destroy());
    this.#links = connect(this);
    this.#outlet.frames.settings([
      TABLE_SETTING,
      [SETTING.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams],
      [SETTING.INITIAL_WINDOW_SIZE, STREAM_WINDOW],
      [SETTING.MAX_HEADER_LIST_SIZE, limits.maxMetadataSize],
    ]);
    this.took(0);
    this.#outlet.flushSoon();
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** Calls that are in progress on it. */
  get streams(): number {
    return this.#streams.size;
  }

  /**
   * Asks the client to take its new calls elsewhere. Those that are on their way are still served; the connection
   * closes when its last call has ended.
   * @param grace milliseconds after which it closes anyway; null: never
   */
  leave(reason: string, grace: number | null): void {
    this.#farewell.begin(reason, grace);
  }

  destroy(): void {
    this.#outlet.destroy();
  }

  // From the links.

  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#sender.headers(stream, buffer, start, end, endStream);
    this.#outlet.flushSoon();
  }

  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#sender.data(stream, buffer, start, end, endStream);
    this.#outlet.flushSoon();
  }

  reset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#abandon(stream, code);
  }

  windowUpdate(id: number, increment: number): void {
    const stream = this.#streams.get(id);
    if (stream?.state !== 'open') return;
    this.#outlet.frames.windowUpdate(id, increment);
    this.#outlet.flushSoon();
  }

  took(bytes: number): void {
    const increment = this.#received.release(bytes);
    if (increment === 0) return;
    this.#outlet.frames.windowUpdate(0, increment);
    this.#outlet.flushSoon();
  }

  fail(code: number, reason: string): void {
    this.#fail(new ConnectionError(code, reason));
  }

  // From the client.

  #read(chunk: Buffer): void {
    if (this.#state === 'closed') return;
    this.#lifetime.noteSign();
    try {
      const rest = this.#hello.isComplete ? chunk : this.#hello.read(chunk);
      if (rest !== null) this.#reader.push(rest);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(error);
    }
  }

  #onFrame(type: number, flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (this.#block.id !== 0 && (type !== FRAME.CONTINUATION || id !== this.#block.id)) throw broken('a header block that another frame interrupts');
    if (this.#state === 'greeting' && (type !== FRAME.SETTINGS || (flags & FLAG.ACK) !== 0)) throw broken('no SETTINGS after the preface');
    switch (type) {
      case FRAME.DATA:
        this.#onData(flags, id, buffer, start, end);
        break;
      case FRAME.HEADERS:
        this.#onHeaders(flags, id, buffer, start, end);
        break;
      case FRAME.CONTINUATION:
        this.#onContinuation(flags, id, buffer, start, end);
        break;
      case FRAME.WINDOW_UPDATE:
        this.#onWindowUpdate(id, buffer, start, end);
        break;
      case FRAME.RST_STREAM:
        this.#onReset(id, buffer, start, end);
        break;
      case FRAME.SETTINGS:
        this.#onSettings(flags, id, buffer, start, end);
        break;
      case FRAME.PING:
        this.#onPing(flags, id, buffer, start, end);
        break;
      case FRAME.GOAWAY:
        if (id !== 0) throw broken('GOAWAY on a stream');
        if (end - start < 8) throw misfit('GOAWAY');
        this.#farewell.clientLeaves();
        break;
      case FRAME.PRIORITY:
        if (id === 0) throw broken('PRIORITY on no stream');
        if (end - start !== 5) this.#resetId(id, ERROR_CODE.FRAME_SIZE_ERROR);
        break;
      case FRAME.PUSH_PROMISE:
        throw broken('PUSH_PROMISE from a client');
      default:
        // Unknown frames are for extensions that we do not know (section 5.5).
        break;
    }
  }

  #onHeaders(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if ((id & 1) === 0) throw broken('HEADERS on a stream that no client may open');
    if ((flags & (FLAG.PADDED | FLAG.PRIORITY)) !== 0) {
      if ((flags & FLAG.PADDED) !== 0) {
        end -= paddingOf(buffer, start, end);
        start += 1;
      }
      if ((flags & FLAG.PRIORITY) !== 0) start += 5;
      if (start > end) throw broken('HEADERS whose padding is longer than the frame');
    }
    const endStream = (flags & FLAG.END_STREAM) !== 0;
    if ((flags & FLAG.END_HEADERS) !== 0) this.#onBlock(id, buffer, start, end, endStream);
    else this.#block.begin(id, endStream, buffer.subarray(start, end));
  }

  #onContinuation(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (this.#block.id === 0) throw broken('CONTINUATION without HEADERS');
    const { endStream } = this.#block;
    const block = this.#block.continue(buffer.subarray(start, end), (flags & FLAG.END_HEADERS) !== 0);
    if (block !== null) this.#onBlock(id, block, 0, block.length, endStream);
  }

  /** Every block passes the lane, wanted or not: the client's table changes with each. */
  #onBlock(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const lane = this.#lane;
    const fits = lane.pass(buffer, start, end);
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      if (fits) this.#onTrailers(stream, endStream);
      else this.#abandonByClient(stream, ERROR_CODE.ENHANCE_YOUR_CALM);
    } else if (id > this.#highestId) {
      if (this.#farewell.isFinal) return;
      this.#highestId = id;
      if (this.#streams.size >= this.#limits.maxConcurrentStreams) {
        this.#resetId(id, ERROR_CODE.REFUSED_STREAM);
      } else if (fits) {
        const opened = new FrontStream(id, this.#links.choose(id, lane.buffer, lane.start, lane.end), endStream ? 'half-closed' : 'open');
        this.#streams.add(opened);
        opened.link.headers(id, lane.buffer, lane.start, lane.end, endStream);
      } else {
        this.#sender.block(id, metadataTooLarge(this.#limits.maxMetadataSize), true);
        if (!endStream) this.#resetId(id, ERROR_CODE.NO_ERROR);
        this.#outlet.flushSoon();
      }
    }
  }

  #onTrailers(stream: FrontStream, endStream: boolean): void {
    const { buffer, start, end } = this.#lane;
    if (stream.state === 'half-closed') {
      this.#abandonByClient(stream, ERROR_CODE.STREAM_CLOSED);
    } else if (!endStream) {
      this.#abandonByClient(stream, ERROR_CODE.PROTOCOL_ERROR);
    } else {
      stream.state = 'half-closed';
      stream.link.headers(stream.id, buffer, start, end, true);
    }
  }

  #onData(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    const size = end - start;
    if (id === 0) throw broken('DATA on no stream');
    if (!this.#received.receive(size)) throw new ConnectionError(ERROR_CODE.FLOW_CONTROL_ERROR, 'more DATA than the connection may carry');
    if ((flags & FLAG.PADDED) !== 0) {
      end -= paddingOf(buffer, start, end);
      start += 1;
      if (start > end) throw broken('DATA whose padding is longer than the frame');
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (id > this.#highestId) throw broken('DATA on a stream that is not open');
      // What was on its way when the stream ended.
      this.took(size);
      return;
    }
    if (stream.state === 'half-closed') {
      this.took(size);
      this.#abandonByClient(stream, ERROR_CODE.STREAM_CLOSED);
      return;
    }
    const padding = size - (end - start);
    if (padding > 0) {
      this.took(padding);
      this.windowUpdate(id, padding);
    }
    const endStream = (flags & FLAG.END_STREAM) !== 0;
    if (endStream) stream.state = 'half-closed';
    stream.link.data(id, buffer, start, end, endStream);
  }

  #onReset(id: number, buffer: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw misfit('RST_STREAM');
    if (id === 0 || id > this.#highestId) throw broken('RST_STREAM on a stream that is not open');
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#forget(stream);
    stream.link.reset(id, buffer.readUInt32BE(start));
  }

  #onWindowUpdate(id: number, buffer: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw misfit('WINDOW_UPDATE');
    const increment = buffer.readUInt32BE(start) & 0x7fffffff;
    if (id === 0) {
      if (increment === 0) throw broken('a window that grows by nothing');
      if (!this.#sender.grow(increment)) throw new ConnectionError(ERROR_CODE.FLOW_CONTROL_ERROR, 'a window above 2^31-1');
      this.#outlet.flushSoon();
      return;
    }
    if (id > this.#highestId) throw broken('WINDOW_UPDATE on a stream that is not open');
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (increment === 0) this.#abandonByClient(stream, ERROR_CODE.PROTOCOL_ERROR);
    else stream.link.windowUpdate(id, increment);
  }

  #onSettings(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (id !== 0) throw broken('SETTINGS on a stream');
    if ((flags & FLAG.ACK) !== 0) {
      if (end !== start) throw misfit('the acknowledgement of SETTINGS');
      if (this.#state !== 'settling') return;
      this.#state = 'open';
      this.#cancelTimeout();
      this.#lane.acknowledged();
      this.#farewell.settled();
      return;
    }
    let window = this.#clientWindow;
    parseSettings(buffer, start, end, (setting, value) => {
      if (setting === SETTING.INITIAL_WINDOW_SIZE) window = value;
    });
    if (this.#state === 'greeting') {
      this.#state = 'settling';
      this.#cancelTimeout();
      this.#cancelTimeout = this.#clock.after(HELLO_TIMEOUT, () => this.fail(ERROR_CODE.SETTINGS_TIMEOUT, 'SETTINGS that were not acknowledged in time'));
      this.#lifetime.begin();
    }
    this.#applyWindow(window);
  }

  /** A smaller window holds once every link has heard of it, and is acknowledged then; a larger one at once. */
  #applyWindow(window: number): void {
    const acknowledge = (): void => {
      this.#outlet.frames.settingsAck();
      this.#outlet.flushSoon();
    };
    const previous = this.#clientWindow;
    this.#clientWindow = window;
    if (window >= previous) acknowledge();
    if (window === previous) return;
    const links = [...this.#links.open];
    let awaited = links.length;
    if (awaited === 0 && window < previous) acknowledge();
    for (const link of links) {
      link.settings(window, () => {
        awaited -= 1;
        if (awaited === 0 && window < previous) acknowledge();
      });
    }
  }

  #onPing(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (id !== 0) throw broken('PING on a stream');
    if (end - start !== 8) throw misfit('PING');
    const payload = buffer.subarray(start, end);
    if ((flags & FLAG.ACK) === 0) {
      this.#outlet.frames.ping(payload, true);
      this.#outlet.flushSoon();
    } else {
      this.#farewell.ponged(payload);
    }
  }

  /** We have sent the last frame of a stream. */
  #ended(stream: FrontStream): void {
    // It has its answer; what it is still sending would be for nothing (section 8.1).
    if (stream.state === 'open') this.#outlet.frames.rstStream(stream.id, ERROR_CODE.NO_ERROR);
    this.#forget(stream);
  }

  /** The client broke a rule of the stream: both sides hear that it is over. */
  #abandonByClient(stream: FrontStream, code: number): void {
    this.#abandon(stream, code);
    stream.link.reset(stream.id, code);
  }

  #abandon(stream: FrontStream, code: number): void {
    this.#resetId(stream.id, code);
    this.#forget(stream);
  }

  #resetId(id: number, code: number): void {
    this.#outlet.frames.rstStream(id, code);
    this.#outlet.flushSoon();
  }

  #forget(stream: FrontStream): void {
    this.#sender.drop(stream);
    this.#streams.delete(stream.id);
    if (this.#streams.size === 0) {
      this.#lifetime.noteIdle();
      this.#farewell.streamsEnded();
    }
  }

  #fail(error: ConnectionError): void {
    if (this.#state === 'closed') return;
    this.#fault = error;
    this.#reader.stop();
    if (error === Hello.HTTP_1) {
      this.#outlet.abort(Hello.REFUSAL);
      return;
    }
    this.#outlet.frames.goaway(this.#highestId, error.code, error.message);
    this.#outlet.abort();
  }

  #closed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelTimeout();
    this.#reader.stop();
    this.#lifetime.end();
    this.#farewell.end();
    for (const link of this.#links.open) link.close();
    this.#onClose(this.#fault);
  }
}

function paddingOf(buffer: Buffer, start: number, end: number): number {
  if (start >= end) throw misfit('a padded frame');
  return buffer[start] ?? 0;
}

const broken = (what: string): ConnectionError => new ConnectionError(ERROR_CODE.PROTOCOL_ERROR, what);
const misfit = (what: string): ConnectionError => new ConnectionError(ERROR_CODE.FRAME_SIZE_ERROR, `${what} of a wrong length`);
