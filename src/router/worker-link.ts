/**
 * Runs in a router. A private connection to a worker for the calls of one client: the client's frames go out as they
 * are, and the worker's to the client. Nothing is decoded. The other half is src/worker/served-link.ts.
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { LinkReader, type LinkListener } from '../front/link-reader.js';
import type { Link, SwitchOwner } from '../front/link.js';
import { Outlet } from '../front/outlet.js';
import { ERROR_CODE, PREFACE, SETTING, STREAM_WINDOW } from '../http2/constants.js';
import type { Clock } from '../shared/clock.js';
import { systemCode, toError } from '../shared/errors.js';
import type { CallUnits } from './call-units.js';
import { LinkCalls } from './link-calls.js';
import { LinkWindows } from './link-windows.js';
import type { RoutedWorker } from './routed-worker.js';
import type { WaitingCall } from './waiting-call.js';

/**
 * One write at a time: what the kernel has not taken stays here, and can go to another worker. A worker is always read
 * from, or two that wait for each other would do so for ever; and it may take its time for its calls' last ends.
 */
const BOUNDS = { full: 0, mostWaiting: Infinity, finTimeout: null };
/** Bytes for a worker that may wait here before its link gets no new call: no flow control holds header blocks back. */
export const MOST_UNSENT = 32 * 1024 * 1024;
/** So that the socket says when it is empty. */
const HIGH_WATER_MARK = 1;
/** With these the worker says that the client broke the protocol, in what only a worker reads. */
const FAULTS_OF_CLIENTS: readonly number[] = [ERROR_CODE.PROTOCOL_ERROR, ERROR_CODE.COMPRESSION_ERROR, ERROR_CODE.FLOW_CONTROL_ERROR];
const PING = Buffer.from('resets..', 'latin1');

export interface WorkerLinkOptions {
  readonly worker: RoutedWorker;
  readonly owner: SwitchOwner;
  readonly units: CallUnits;
  readonly clock: Clock;
  /** Who the client is (src/front/proxy-header.ts). */
  readonly header: Buffer;
  /** The client's initial window, as it is when this is asked. */
  readonly window: () => number;
  /** The calls that wait for it may come. */
  readonly onOpen: (link: WorkerLink) => void;
  /** It broke. `reason` is for people. What is to become of its calls comes first, then they are over. */
  readonly onLost: (link: WorkerLink, reason: string) => void;
  /** Both ends are closed. */
  readonly onClosed: (link: WorkerLink) => void;
}

export class WorkerLink implements Link, LinkListener {
  readonly worker: RoutedWorker;
  readonly calls: LinkCalls;
  /** Calls that wait until it is open. */
  readonly waiting = new Set<WaitingCall>();
  /** `closing`: the client is gone, or nothing more is to come; the worker has not heard of it yet. */
  state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';
  highestId = 0;
  /** The first call that came after so many writes. */
  #unsent = { writes: 0, from: 0 };
  #stays: 'with its client' | 'until idle' = 'with its client';
  readonly #options: WorkerLinkOptions;
  readonly #owner: SwitchOwner;
  readonly #socket: Socket;
  readonly #outlet: Outlet;
  readonly #reader = new LinkReader(this);
  readonly #windows = new LinkWindows();
  readonly #applied: (() => void)[] = [];
  #reason: string | null = null;

  constructor(options: WorkerLinkOptions) {
    const { worker, owner, units, clock } = options;
    this.#options = options;
    this.worker = worker;
    this.#owner = owner;
    this.calls = new LinkCalls(worker, units);
    // What node:net hands on to its stream is not in its types.
    const socket = (this.#socket = connect({ path: worker.place.path, writableHighWaterMark: HIGH_WATER_MARK } as NetConnectOpts));
    socket.once('connect', () => this.#open());
    socket.once('error', (error) => (this.#reason ??= systemCode(error) ?? error.message));
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#outlet = new Outlet(socket, { clock, bounds: BOUNDS, onSent: () => undefined, onClose: () => this.#closed() });
    worker.links.add(this);
  }

  /** Bytes that wait on it, in either direction. */
  get buffered(): number {
    return this.#outlet.buffered + this.#windows.held;
  }

  /** Whether new calls may come. */
  get takesCalls(): boolean {
    return this.#stays === 'with its client' && (this.state === 'open' || this.state === 'connecting');
  }

  /** It takes no more than it has. */
  get isFull(): boolean {
    return this.#outlet.buffered > MOST_UNSENT;
  }

  /** A call is about to come. */
  expect(id: number, isExempt: boolean): void {
    this.highestId = id;
    if (this.#unsent.writes !== this.#outlet.writes) this.#unsent = { writes: this.#outlet.writes, from: id };
    this.calls.begin(id, isExempt);
  }

  // From the client.

  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#outlet.frames.headers(id, buffer, start, end, endStream);
    this.#outlet.flushSoon();
  }

  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#outlet.frames.data(id, buffer, start, end, endStream);
    this.#outlet.flushSoon();
    this.#owner.took(this.#windows.enter(end - start));
  }

  reset(id: number, code: number): void {
    this.#outlet.frames.rstStream(id, code);
    if (this.calls.reset(id)) this.#outlet.frames.ping(PING, false);
    this.#outlet.flushSoon();
  }

  windowUpdate(id: number, increment: number): void {
    this.#outlet.frames.windowUpdate(id, increment);
    this.#outlet.flushSoon();
  }

  settings(initialWindow: number, applied: () => void): void {
    if (this.state !== 'open') {
      // It begins with the newest, or has nothing more to say.
      applied();
      return;
    }
    this.#applied.push(applied);
    this.#outlet.frames.settings([[SETTING.INITIAL_WINDOW_SIZE, initialWindow]]);
    this.#outlet.flushSoon();
  }

  credit(bytes: number): void {
    const increment = this.#windows.release(bytes);
    if (increment === 0 || this.state !== 'open') return;
    this.#outlet.frames.windowUpdate(0, increment);
    this.#outlet.flushSoon();
  }

  /** Says that there is nothing more to come; its calls, if any, are over when the worker has heard of it. */
  close(): void {
    if (this.state === 'closing' || this.state === 'closed') return;
    const isConnecting = this.state === 'connecting';
    this.state = 'closing';
    this.#reader.stop();
    for (const applied of this.#applied.splice(0)) applied();
    this.#outlet.frames.take();
    if (isConnecting) this.#outlet.destroy();
    else this.#outlet.end();
  }

  /** Gets no more calls, and closes when it has none. */
  retire(): void {
    this.#stays = 'until idle';
    this.#closeIfIdle();
  }

  /** For when it is lost: the frames that its worker has not been sent, and the first call that it has seen nothing of. */
  takeUnsent(): { readonly frames: Buffer; readonly from: number } {
    const { writes, from } = this.#unsent;
    return { frames: Buffer.concat(this.#outlet.frames.take()), from: writes === this.#outlet.writes ? from : Infinity };
  }

  #open(): void {
    if (this.state !== 'connecting') return;
    this.state = 'open';
    const { header, window, onOpen } = this.#options;
    this.#socket.write(Buffer.concat([header, PREFACE]));
    this.#outlet.frames.settings([[SETTING.HEADER_TABLE_SIZE, 0], [SETTING.INITIAL_WINDOW_SIZE, window()]]);
    this.#applied.push(() => undefined);
    this.#outlet.flushSoon();
    onOpen(this);
  }

  // From the worker.

  #read(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#break(toError(error).message);
    }
  }

  onHeaders(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#owner.headers(id, buffer, start, end, endStream);
    if (endStream) this.#ended(id);
  }

  onData(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#windows.hold(end - start);
    if (!this.#owner.data(id, buffer, start, end, endStream) && end > start) this.credit(end - start);
    if (endStream) this.#ended(id);
  }

  onReset(id: number, code: number): void {
    this.#owner.reset(id, code);
    this.#ended(id);
  }

  onWindowUpdate(id: number, increment: number): void {
    if (id === 0) this.#owner.took(this.#windows.took(increment));
    else this.#owner.windowUpdate(id, increment);
  }

  onSettings(window: number | null): void {
    // Windows of streams are end to end, and the client has been told of ours.
    if (window !== null && window !== STREAM_WINDOW) throw new Error(`a worker whose streams take ${window} bytes, not ${STREAM_WINDOW}`);
    this.#outlet.frames.settingsAck();
    this.#outlet.flushSoon();
  }

  onSettingsAck(): void {
    this.#applied.shift()?.();
  }

  onPing(): void {
    throw new Error('a ping from a worker');
  }

  /** It has read everything up to our question. */
  onPingAck(): void {
    if (this.calls.answered()) this.#outlet.frames.ping(PING, false);
    this.#outlet.flushSoon();
    this.#closeIfIdle();
  }

  onGoaway(code: number, text: string): void {
    if (!FAULTS_OF_CLIENTS.includes(code)) {
      this.#break(text);
      return;
    }
    // The worker is as good as before; the client's connection ends.
    this.close();
    this.#owner.fail(code, text);
  }

  #ended(id: number): void {
    this.calls.end(id);
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#stays !== 'until idle' || this.calls.count > 0) return;
    // The worker has dealt with all there was, and says so in frames that are not read any more.
    if (this.state === 'open') this.#owner.took(this.#windows.tookAll());
    this.close();
  }

  #break(reason: string): void {
    this.#reason = reason;
    this.#reader.stop();
    this.#outlet.destroy();
  }

  #closed(): void {
    const { onLost, onClosed } = this.#options;
    const isLost = this.state === 'connecting' || this.state === 'open';
    this.state = 'closed';
    this.#reader.stop();
    if (isLost) {
      for (const applied of this.#applied.splice(0)) applied();
      this.#owner.took(this.#windows.tookAll());
      this.worker.doubt();
      onLost(this, this.#reason ?? 'it closed the connection');
    }
    this.calls.endAll();
    this.worker.links.delete(this);
    this.worker.noteClosed();
    onClosed(this);
  }
}
