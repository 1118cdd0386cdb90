/**
 * Runs in routers and workers. The streams of a client connection: which frames of the client their links hear of, and
 * what of the links' answers goes to the client (RFC 9113 sections 5.1, 6.1, 6.4, 6.9 and 8.1).
 */
import { ConnectionError } from '../http2/connection-error.js';
import { DEFAULT_WINDOW, ERROR_CODE } from '../http2/constants.js';
import { ReceiveWindow } from '../http2/flow-window.js';
import { StreamTable } from '../http2/stream-table.js';
import { broken } from './faults.js';
import type { FloodGuard } from './flood-guard.js';
import { CONNECTION_WINDOW, type FrontLimits } from './front-limits.js';
import { FrontStream } from './front-stream.js';
import type { HeaderLane } from './header-lane.js';
import type { Link, Links, SwitchOwner } from './link.js';
import { NO_LINKS } from './no-links.js';
import type { Outlet } from './outlet.js';
import { metadataTooLarge, unavailable, unavailableTrailers } from './own-answers.js';
import { Sender } from './sender.js';

export interface ClientStreamsOptions {
  readonly limits: FrontLimits;
  readonly outlet: Outlet;
  readonly lane: HeaderLane;
  readonly guard: FloodGuard;
  /** New streams are not for this connection any more. */
  readonly isClosing: () => boolean;
  /** The last stream has ended. */
  readonly onIdle: () => void;
  readonly onFault: (fault: ConnectionError) => void;
}

export class ClientStreams implements SwitchOwner {
  /** Set once, before the first frame. */
  links: Links = NO_LINKS;
  readonly #options: ClientStreamsOptions;
  readonly #outlet: Outlet;
  readonly #lane: HeaderLane;
  readonly #guard: FloodGuard;
  readonly #sender: Sender;
  readonly #streams = new StreamTable<FrontStream>();
  readonly #received = new ReceiveWindow(CONNECTION_WINDOW, DEFAULT_WINDOW);
  #highestId = 0;
  /** Above it when the client has opened streams after we took none any more: those are none of ours. */
  #seenId = 0;

  constructor(options: ClientStreamsOptions) {
    this.#options = options;
    this.#outlet = options.outlet;
    this.#lane = options.lane;
    this.#guard = options.guard;
    this.#sender = new Sender(options.outlet.frames, { onFrame: () => this.#guard.sent(), onEnd: (stream) => this.#ended(stream) });
  }

  get size(): number {
    return this.#streams.size;
  }

  /** The highest id that the client has opened and we have taken. */
  get highestId(): number {
    return this.#highestId;
  }

  /** What was written has left. */
  sent(): void {
    this.#sender.credit();
  }

  // From the links.

  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.answer = endStream ? 'complete' : 'begun';
    this.#sender.headers(stream, buffer, start, end, endStream);
    this.#outlet.flushSoon();
  }

  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): boolean {
    const stream = this.#streams.get(id);
    if (stream === undefined) return false;
    if (endStream) stream.answer = 'complete';
    this.#sender.data(stream, buffer, start, end, endStream);
    this.#outlet.flushSoon();
    return true;
  }

  reset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.answer = 'complete';
    if (CLIENT_FAULTS.has(code)) this.#guard.spend('resets');
    this.#abandon(stream, code);
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
    this.#options.onFault(new ConnectionError(code, reason));
  }

  move(id: number, link: Link): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.link = link;
  }

  lost(link: Link, reason: string): number {
    let count = 0;
    for (const stream of this.#streams) {
      if (stream.link !== link || stream.answer === 'complete') continue;
      const block = stream.answer === 'none' ? unavailable(reason) : unavailableTrailers(reason);
      this.headers(stream.id, block, 0, block.length, true);
      count += 1;
    }
    return count;
  }

  // From the client.

  /** Every block passes the lane, wanted or not: the client's table changes with each. */
  onBlock(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const lane = this.#lane;
    const fits = lane.pass(buffer, start, end);
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      if (fits) this.#onTrailers(stream, endStream);
      else this.#abandonByClient(stream, ERROR_CODE.ENHANCE_YOUR_CALM);
    } else if (id > this.#seenId) {
      this.#seenId = id;
      if (this.#options.isClosing()) return;
      this.#highestId = id;
      this.#guard.opened();
      if (this.#streams.size >= this.#options.limits.maxConcurrentStreams) {
        if (this.#guard.spend('refused-streams')) this.#resetId(id, ERROR_CODE.REFUSED_STREAM);
      } else if (fits) {
        const opened = new FrontStream(id, this.links.choose(id, lane.buffer, lane.start, lane.end), endStream ? 'half-closed' : 'open');
        this.#streams.add(opened);
        opened.link.headers(id, lane.buffer, lane.start, lane.end, endStream);
      } else {
        this.#sender.block(id, metadataTooLarge(this.#options.limits.maxMetadataSize), true);
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
      if (stream.answer !== 'complete') stream.link.headers(stream.id, buffer, start, end, true);
    }
  }

  /** @param size of the payload with its padding, which counts too */
  onData(id: number, buffer: Buffer, start: number, end: number, size: number, endStream: boolean): void {
    if (!this.#received.receive(size)) throw new ConnectionError(ERROR_CODE.FLOW_CONTROL_ERROR, 'more DATA than the connection may carry');
    const stream = this.#streams.get(id);
    if (start === end && !endStream && !this.#guard.spend('empty-data')) return;
    if (stream === undefined) {
      if (this.#isIdle(id)) throw broken('DATA on a stream that is not open');
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
    if (endStream) stream.state = 'half-closed';
    // The link has forgotten a call that it has answered, and may be gone itself.
    if (stream.answer === 'complete') this.took(end - start);
    else stream.link.data(id, buffer, start, end, endStream);
  }

  onReset(id: number, code: number): void {
    if (this.#isIdle(id)) throw broken('RST_STREAM on a stream that is not open');
    const stream = this.#streams.get(id);
    this.#guard.spend(stream === undefined ? 'idle-frames' : 'resets');
    if (stream === undefined) return;
    this.#forget(stream);
    tellReset(stream, code);
  }

  /** @param id 0 for the connection */
  onWindowUpdate(id: number, increment: number): void {
    if (!this.#guard.spend('window-updates')) return;
    if (id === 0) {
      if (increment === 0) throw broken('a window that grows by nothing');
      if (!this.#sender.grow(increment)) throw new ConnectionError(ERROR_CODE.FLOW_CONTROL_ERROR, 'a window above 2^31-1');
      this.#outlet.flushSoon();
      return;
    }
    if (this.#isIdle(id)) throw broken('WINDOW_UPDATE on a stream that is not open');
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (increment === 0) {
      this.#abandonByClient(stream, ERROR_CODE.PROTOCOL_ERROR);
      return;
    }
    this.#sender.growStream(stream, increment);
    if (stream.answer !== 'complete') stream.link.windowUpdate(id, increment);
  }

  /** @param initial what the client takes of a stream before it says more */
  setWindow(initial: number): void {
    this.#sender.setStreamWindow(initial);
  }

  /** The client broke a rule of a stream. One that is not open has no more to lose. */
  onFault(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#abandonByClient(stream, code);
  }

  /** The connection is gone. */
  close(): void {
    this.links.close();
  }

  /** Nothing but HEADERS and PRIORITY may come on such a stream (section 5.1). Even ones are never opened. */
  #isIdle(id: number): boolean {
    return id > this.#seenId || (id & 1) === 0;
  }

  /** We have sent the last frame of a stream. */
  #ended(stream: FrontStream): void {
    // It has its answer; what it is still sending would be for nothing (section 8.1).
    if (stream.state === 'open') this.#outlet.frames.rstStream(stream.id, ERROR_CODE.NO_ERROR);
    this.#guard.answered();
    this.#forget(stream);
  }

  /** The client broke a rule of the stream: both sides hear that it is over. */
  #abandonByClient(stream: FrontStream, code: number): void {
    this.#guard.spend('resets');
    this.#abandon(stream, code);
    tellReset(stream, code);
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
    if (this.#streams.size === 0) this.#options.onIdle();
  }
}

/** What a link resets a stream with whose client broke a rule. */
const CLIENT_FAULTS: ReadonlySet<number> = new Set([ERROR_CODE.PROTOCOL_ERROR, ERROR_CODE.FLOW_CONTROL_ERROR, ERROR_CODE.STREAM_CLOSED]);

function tellReset({ id, link, answer }: FrontStream, code: number): void {
  if (answer !== 'complete') link.reset(id, code);
}
