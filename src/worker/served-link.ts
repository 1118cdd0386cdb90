/**
 * Runs in a worker. A router's link, from the worker's end: HTTP/2 frames of one client's calls, which its session
 * answers. The other half is src/router/worker-link.ts.
 */
import type { Socket } from 'node:net';
import { Hello } from '../front/hello.js';
import { LinkReader, type LinkListener } from '../front/link-reader.js';
import type { LinkOwner } from '../front/link.js';
import { TOOK_STEP } from '../front/link-steps.js';
import { Outlet } from '../front/outlet.js';
import type { PeerFacts } from '../front/peer-facts.js';
import { ProxyHeaderReader } from '../front/proxy-header.js';
import { Turns } from '../front/turns.js';
import { ERROR_CODE, SETTING, STREAM_WINDOW } from '../http2/constants.js';
import type { Clock } from '../shared/clock.js';
import { toError } from '../shared/errors.js';
import type { Session } from './transport/lean/session.js';

/** How long a router may take until it has said whose link this is, in milliseconds. */
const HEADER_TIMEOUT = 5000;
/** A router that does not read is not waited for: it reads from us, and two that wait for each other would do so for ever. */
const BOUNDS = { full: 256 * 1024, mostWaiting: Infinity, finTimeout: 1000 };

export interface ServedLinkOptions {
  readonly socket: Socket;
  readonly clock: Clock;
  /** Makes the session of a client's link. */
  readonly connect: (owner: LinkOwner, peer: PeerFacts) => Session;
  /** `reason`: what the router did wrong, if that was why. */
  readonly onClose: (reason: string | null) => void;
}

export class ServedLink implements LinkOwner, LinkListener {
  readonly #connect: ServedLinkOptions['connect'];
  readonly #outlet: Outlet;
  readonly #header = new ProxyHeaderReader();
  readonly #hello = new Hello();
  readonly #reader = new LinkReader(this, () => this.#turns.end());
  readonly #turns: Turns;
  #stage: 'header' | 'hello' | 'frames' | 'ended' = 'header';
  /** Null on a link that carries no calls. */
  #session: Session | null = null;
  #taken = 0;
  #fault: string | null = null;

  constructor({ socket, clock, connect, onClose }: ServedLinkOptions) {
    this.#connect = connect;
    const cancelTimeout = clock.after(HEADER_TIMEOUT, () => {
      if (this.#stage === 'header') this.#break('no PROXY header in time');
    });
    this.#outlet = new Outlet(socket, {
      clock,
      bounds: BOUNDS,
      onSent: () => undefined,
      onClose: () => {
        cancelTimeout();
        this.#end();
        onClose(this.#fault);
      },
    });
    this.#turns = new Turns(this.#reader, this.#outlet, () => this.#pass(() => this.#reader.goOn()));
    this.#outlet.frames.settings([[SETTING.HEADER_TABLE_SIZE, 0], [SETTING.INITIAL_WINDOW_SIZE, STREAM_WINDOW]]);
    this.#outlet.flushSoon();
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // Whoever counts its calls must know that they are over when it sees our end.
    socket.once('end', () => this.#end());
  }

  /** Calls that are in progress on it. */
  get calls(): number {
    return this.#session?.size ?? 0;
  }

  destroy(): void {
    this.#outlet.destroy();
  }

  // From the session.

  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#outlet.frames.headers(id, buffer, start, end, endStream);
    this.#outlet.flushSoon();
  }

  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#outlet.frames.data(id, buffer, start, end, endStream);
    this.#outlet.flushSoon();
  }

  reset(id: number, code: number): void {
    this.#outlet.frames.rstStream(id, code);
    this.#outlet.flushSoon();
  }

  windowUpdate(id: number, increment: number): void {
    this.#outlet.frames.windowUpdate(id, increment);
    this.#outlet.flushSoon();
  }

  took(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < TOOK_STEP) return;
    this.#outlet.frames.windowUpdate(0, this.#taken);
    this.#outlet.flushSoon();
    this.#taken = 0;
  }

  fail(code: number, reason: string): void {
    this.#outlet.frames.goaway(0, code, reason);
    this.#end();
    this.#outlet.end();
  }

  // From the router.

  #read(chunk: Buffer): void {
    this.#turns.begin();
    this.#pass(() => {
      let rest: Buffer | null = chunk;
      if (this.#stage === 'header') rest = this.#readHeader(rest);
      if (this.#stage === 'hello' && rest !== null) {
        rest = this.#hello.read(rest);
        if (rest !== null) this.#stage = 'frames';
      }
      if (this.#stage === 'frames' && rest !== null) this.#reader.push(rest);
    });
  }

  #pass(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#break(toError(error).message);
    }
  }

  #readHeader(chunk: Buffer): Buffer | null {
    const header = this.#header.read(chunk);
    if (header === null) return null;
    this.#stage = 'hello';
    if (header.peer !== null) this.#session = this.#connect(this, header.peer);
    return header.rest;
  }

  onHeaders(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#session?.headers(id, buffer, start, end, endStream);
  }

  onData(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#session?.data(id, buffer, start, end, endStream);
  }

  onReset(id: number, code: number): void {
    this.#session?.reset(id, code);
  }

  onWindowUpdate(id: number, increment: number): void {
    if (id === 0) this.#session?.credit(increment);
    else this.#session?.windowUpdate(id, increment);
  }

  onSettingsAck(): void {
    // Ours never change.
  }

  onPing(payload: Buffer): void {
    this.#outlet.frames.ping(payload, true);
    this.#outlet.flushSoon();
  }

  onPingAck(): void {
    // We never ask.
  }

  onGoaway(): void {
    // The end follows.
  }

  onSettings(window: number | null): void {
    const acknowledge = (): void => {
      this.#outlet.frames.settingsAck();
      this.#outlet.flushSoon();
    };
    if (window === null || this.#session === null) acknowledge();
    else this.#session.settings(window, acknowledge);
  }

  #end(): void {
    this.#stage = 'ended';
    this.#reader.stop();
    this.#session?.close();
  }

  /** What no router of ours does. */
  #break(reason: string): void {
    this.#fault = reason;
    this.fail(ERROR_CODE.INTERNAL_ERROR, reason);
  }
}
