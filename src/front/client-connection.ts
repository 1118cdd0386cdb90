/**
 * Runs in routers and workers. One client connection, from its preface to its last byte: reads its frames and checks
 * what each has to be (RFC 9113 section 6). What becomes of calls is client-streams.ts, how it ends politely
 * farewell.ts, how long it may last lifetime.ts.
 */
import { ConnectionError } from '../http2/connection-error.js';
import { ERROR_CODE, FLAG, FRAME, MAX_FRAME } from '../http2/constants.js';
import { FrameReader } from '../http2/frame-reader.js';
import type { ClientConnectionOptions } from './client-connection-options.js';
import { ClientSettings } from './client-settings.js';
import { ClientStreams } from './client-streams.js';
import { Farewell } from './farewell.js';
import { broken, misfit } from './faults.js';
import { FloodGuard } from './flood-guard.js';
import { HeaderBlock } from './header-block.js';
import { HeaderLane } from './header-lane.js';
import { Hello } from './hello.js';
import { Lifetime } from './lifetime.js';
import { LimitFault } from './limit-fault.js';
import { Outlet } from './outlet.js';
import { paddingOf } from './padding.js';
import { Turns } from './turns.js';

/** A header block as it is sent may be that many times as large as the list that it may hold. */
const BLOCK_SLACK = 4;
/** Bytes of priority in HEADERS (RFC 9113 section 6.2). */
const PRIORITY_FIELDS = 5;

export class ClientConnection {
  readonly #outlet: Outlet;
  readonly #streams: ClientStreams;
  readonly #settings: ClientSettings;
  readonly #lane: HeaderLane;
  readonly #block: HeaderBlock;
  readonly #farewell: Farewell;
  readonly #lifetime: Lifetime;
  readonly #guard: FloodGuard;
  readonly #onLimit: ClientConnectionOptions['onLimit'];
  readonly #onClose: ClientConnectionOptions['onClose'];
  readonly #hello = new Hello();
  readonly #reader = new FrameReader((type, flags, id, buffer, start, end) => this.#onFrame(type, flags, id, buffer, start, end), MAX_FRAME, () => this.#turns.end());
  readonly #turns: Turns;
  #fault: ConnectionError | null = null;
  /** Whether what was read last held whole frames, those of a header block up to its end. */
  #hasFrames = false;

  constructor({ socket, limits, clock, random, connect, onLimit, onClose }: ClientConnectionOptions) {
    this.#onLimit = onLimit;
    this.#onClose = onClose;
    this.#lane = new HeaderLane(limits.maxMetadataSize);
    this.#block = new HeaderBlock(limits.maxMetadataSize * BLOCK_SLACK);
    const outlet = new Outlet(socket, { clock, onSent: () => this.#streams.sent(), onClose: () => this.#closed() });
    this.#guard = new FloodGuard({ clock, minPingInterval: limits.keepalive.minClientInterval, onFlood: (fault) => this.#fail(fault) });
    const streams = new ClientStreams({
      limits,
      outlet,
      lane: this.#lane,
      guard: this.#guard,
      isClosing: () => this.#farewell.isFinal,
      onIdle: () => this.#idle(),
      onFault: (fault) => this.#fail(fault),
    });
    this.#outlet = outlet;
    this.#turns = new Turns(this.#reader, outlet, () => this.#pass(() => this.#reader.goOn()));
    this.#streams = streams;
    this.#settings = new ClientSettings({ clock, outlet, links: () => streams.links, onLimit, onSilence: (code, reason) => streams.fail(code, reason) });
    this.#farewell = new Farewell({
      clock,
      outlet,
      highestId: () => streams.highestId,
      streams: () => streams.size,
      isSettled: () => this.#settings.state === 'open',
    });
    this.#lifetime = new Lifetime({ limits, clock, random, outlet, streams: () => streams.size, onLimit, leave: (reason, grace) => this.leave(reason, grace) });
    streams.links = connect(streams);
    this.#settings.announce(limits);
    // The whole window of the connection, which starts small.
    streams.took(0);
    outlet.flushSoon();
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** Calls that are in progress on it. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Bytes that wait for the client, those of DATA that wait for its windows apart. */
  get buffered(): number {
    return this.#outlet.buffered;
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

  #read(chunk: Buffer): void {
    this.#turns.begin();
    this.#pass(() => {
      const rest = this.#hello.isComplete ? chunk : this.#hello.read(chunk);
      if (rest !== null) this.#reader.push(rest);
    });
  }

  #pass(read: () => void): void {
    try {
      read();
      if (this.#hasFrames) this.#lifetime.noteSign();
      this.#hasFrames = false;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(error);
    }
  }

  #onFrame(type: number, flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (this.#block.id !== 0 && (type !== FRAME.CONTINUATION || id !== this.#block.id)) throw broken('a header block that another frame interrupts');
    if ((flags & FLAG.END_HEADERS) !== 0 || (type !== FRAME.HEADERS && type !== FRAME.CONTINUATION)) this.#hasFrames = true;
    if (this.#settings.state === 'greeting' && (type !== FRAME.SETTINGS || (flags & FLAG.ACK) !== 0)) throw broken('no SETTINGS after the preface');
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
        if (end - start !== 4) throw misfit('WINDOW_UPDATE');
        this.#streams.onWindowUpdate(id, buffer.readUInt32BE(start) & 0x7fffffff);
        break;
      case FRAME.RST_STREAM:
        if (end - start !== 4) throw misfit('RST_STREAM');
        this.#streams.onReset(id, buffer.readUInt32BE(start));
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
        this.#guard.spend('idle-frames');
        this.#farewell.clientLeaves();
        break;
      case FRAME.PRIORITY:
        if (id === 0) throw broken('PRIORITY on no stream');
        this.#guard.spend('idle-frames');
        if (end - start !== PRIORITY_FIELDS) this.#streams.onFault(id, ERROR_CODE.FRAME_SIZE_ERROR);
        break;
      case FRAME.PUSH_PROMISE:
        throw broken('PUSH_PROMISE from a client');
      default: // For extensions that we do not know (section 5.5).
        this.#guard.spend('idle-frames');
        break;
    }
  }

  #onHeaders(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if ((id & 1) === 0) throw broken('HEADERS on a stream that no client may open');
    if ((flags & (FLAG.PADDED | FLAG.PRIORITY)) !== 0) {
      const isPadded = (flags & FLAG.PADDED) !== 0;
      const least = (isPadded ? 1 : 0) + ((flags & FLAG.PRIORITY) !== 0 ? PRIORITY_FIELDS : 0);
      if (end - start < least) throw misfit('HEADERS');
      if (isPadded) end -= paddingOf(buffer, start, end);
      start += least;
      if (start > end) throw broken('HEADERS whose padding is longer than the frame');
    }
    const endStream = (flags & FLAG.END_STREAM) !== 0;
    if ((flags & FLAG.END_HEADERS) !== 0) this.#streams.onBlock(id, buffer, start, end, endStream);
    else this.#block.begin(id, endStream, buffer.subarray(start, end));
  }

  #onContinuation(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (this.#block.id === 0) throw broken('CONTINUATION without HEADERS');
    const { endStream } = this.#block;
    const block = this.#block.continue(buffer.subarray(start, end), (flags & FLAG.END_HEADERS) !== 0);
    if (block !== null) this.#streams.onBlock(id, block, 0, block.length, endStream);
  }

  #onData(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    const size = end - start;
    if (id === 0) throw broken('DATA on no stream');
    if ((flags & FLAG.PADDED) !== 0) {
      end -= paddingOf(buffer, start, end);
      start += 1;
      if (start > end) throw broken('DATA whose padding is longer than the frame');
    }
    this.#streams.onData(id, buffer, start, end, size, (flags & FLAG.END_STREAM) !== 0);
  }

  #onSettings(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (id !== 0) throw broken('SETTINGS on a stream');
    if ((flags & FLAG.ACK) === 0) {
      if (!this.#guard.spend('settings')) return;
      const isFirst = this.#settings.state === 'greeting';
      this.#settings.apply(buffer, start, end);
      this.#streams.setWindow(this.#settings.window);
      if (isFirst) this.#lifetime.begin();
    } else if (!this.#settings.acknowledged(end - start)) {
      this.#guard.spend('idle-frames');
    } else {
      this.#lane.acknowledged();
      this.#farewell.settled();
    }
  }

  #onPing(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (id !== 0) throw broken('PING on a stream');
    if (end - start !== 8) throw misfit('PING');
    const payload = buffer.subarray(start, end);
    if ((flags & FLAG.ACK) === 0) {
      if (!this.#guard.ping(this.#streams.size)) return;
      this.#outlet.frames.ping(payload, true);
      this.#outlet.flushSoon();
    } else if (this.#guard.spend('idle-frames')) {
      this.#farewell.ponged(payload);
    }
  }

  #idle(): void {
    this.#lifetime.noteIdle();
    this.#farewell.streamsEnded();
  }

  #fail(fault: ConnectionError): void {
    if (this.#fault !== null) return;
    this.#fault = fault;
    this.#reader.stop();
    if (fault instanceof LimitFault) this.#onLimit(fault.limit);
    if (fault === Hello.HTTP_1) {
      this.#outlet.abort(Hello.REFUSAL);
      return;
    }
    this.#outlet.frames.goaway(this.#streams.highestId, fault.code, fault.message);
    this.#outlet.abort();
  }

  #closed(): void {
    this.#reader.stop();
    this.#settings.end();
    this.#lifetime.end();
    this.#farewell.end();
    this.#streams.close();
    this.#onClose(this.#fault);
  }
}
