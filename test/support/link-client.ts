/**
 * A gRPC client at the seam of src/front/link.ts, in memory: it makes calls, collects their answers, and withholds
 * windows and credit when told to. It notes whatever the link may not do in `violations`.
 */
import { LINK_WINDOW, type Link, type LinkOwner, type Links } from '#src/front/link.js';
import { DEFAULT_WINDOW, MAX_FRAME } from '#src/http2/constants.js';
import { BlockWriter } from '#src/http2/hpack/encoder.js';
import { decodeLiteralField, walkFields } from '#src/http2/hpack/walk.js';
import { deferred } from '#src/shared/deferred.js';

export type Fields = readonly (readonly [name: string, value: string])[];

/** A message with its prefix. */
export function frame(payload: Buffer | string, isCompressed = false): Buffer {
  const body = Buffer.from(payload);
  const prefix = Buffer.alloc(5);
  prefix[0] = isCompressed ? 1 : 0;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

export function block(fields: Fields): Buffer {
  const writer = new BlockWriter();
  for (const [name, value] of fields) writer.add(name, value);
  return writer.take();
}

export function fieldsOf(buffer: Buffer, start = 0, end = buffer.length): [string, string][] {
  const fields: [string, string][] = [];
  walkFields(buffer, start, end, (from, to) => {
    const { name, value } = decodeLiteralField(buffer, from, to);
    fields.push([name, value]);
  });
  return fields;
}

/** What every gRPC client sends. */
export function requestFields(path: string, more: Fields = []): Fields {
  return [
    [':method', 'POST'], [':scheme', 'http'], [':path', path], [':authority', 'localhost:50051'],
    ['te', 'trailers'], ['content-type', 'application/grpc'], ['user-agent', 'link-client'], ...more,
  ];
}

/** The answer to a call, as far as it has come. */
export class LinkCall {
  readonly id: number;
  headers: Fields | null = null;
  trailers: Fields | null = null;
  readonly data: Buffer[] = [];
  /** The code of a reset by the server. */
  resetCode: number | null = null;
  /** Bytes that the link may send, as we count. */
  window: number;
  /** Bytes that the link has let us send again. */
  granted = 0;
  isOver = false;
  readonly #client: LinkClient;
  readonly #ended = deferred<LinkCall>();

  constructor(id: number, client: LinkClient, window: number) {
    this.id = id;
    this.#client = client;
    this.window = window;
  }

  /** Settles when the call has its trailers or was reset by the server. */
  get ended(): Promise<LinkCall> {
    return this.#ended.promise;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.data);
  }

  /** The payloads of whole messages. */
  get messages(): Buffer[] {
    const { bytes } = this;
    const messages: Buffer[] = [];
    for (let at = 0; at + 5 <= bytes.length; ) {
      const size = bytes.readUInt32BE(at + 1);
      if (at + 5 + size > bytes.length) break;
      messages.push(bytes.subarray(at + 5, at + 5 + size));
      at += 5 + size;
    }
    return messages;
  }

  /** grpc-status; null when there was none. */
  get status(): number | null {
    const value = valueOf(this.trailers ?? [], 'grpc-status');
    return value === undefined ? null : Number(value);
  }

  get details(): string {
    return decodeURI(valueOf(this.trailers ?? [], 'grpc-message') ?? '');
  }

  send(bytes: Buffer, endStream = false): void {
    this.#client.link.data(this.id, bytes, 0, bytes.length, endStream);
  }

  /** The same in frames of `size` bytes. */
  sendCut(bytes: Buffer, size: number, endStream = false): void {
    for (let at = 0; at < bytes.length; at += size) {
      const end = Math.min(bytes.length, at + size);
      this.#client.link.data(this.id, bytes, at, end, endStream && end === bytes.length);
    }
  }

  end(): void {
    this.send(Buffer.alloc(0), true);
  }

  sendTrailers(fields: Fields, endStream = true): void {
    const bytes = block(fields);
    this.#client.link.headers(this.id, bytes, 0, bytes.length, endStream);
  }

  cancel(code = 8): void {
    this.isOver = true;
    this.#client.link.reset(this.id, code);
  }

  grant(bytes: number): void {
    this.window += bytes;
    this.#client.link.windowUpdate(this.id, bytes);
  }

  finish(): void {
    this.isOver = true;
    this.#ended.resolve(this);
  }
}

export interface LinkClientOptions {
  /** False: the test gives the credit of the link itself. */
  readonly givesCredit?: boolean;
  /** False: the test gives the windows of streams itself. */
  readonly givesWindows?: boolean;
}

export class LinkClient implements LinkOwner {
  link!: Link & Links;
  readonly violations: string[] = [];
  /** By id. */
  readonly calls = new Map<number, LinkCall>();
  failure: { readonly code: number; readonly reason: string } | null = null;
  /** Bytes of ours that the link has taken. */
  taken = 0;
  /** Bytes of DATA that no credit was given for. */
  outstanding = 0;
  /** Every frame from the link, for tests that look at their order. */
  readonly log: string[] = [];
  #initialWindow = DEFAULT_WINDOW;
  #nextId = 1;
  readonly #options: Required<LinkClientOptions>;

  constructor({ givesCredit = true, givesWindows = true }: LinkClientOptions = {}) {
    this.#options = { givesCredit, givesWindows };
  }

  /** Begins a call with these headers. */
  begin(fields: Fields, endStream = false): LinkCall {
    return this.beginBlock(block(fields), endStream);
  }

  beginBlock(bytes: Buffer, endStream = false): LinkCall {
    const call = new LinkCall(this.#nextId, this, this.#initialWindow);
    this.#nextId += 2;
    this.calls.set(call.id, call);
    this.link.headers(call.id, bytes, 0, bytes.length, endStream);
    return call;
  }

  /** A call whose messages are all sent at once. */
  call(path: string, messages: readonly (Buffer | string)[], more: Fields = []): LinkCall {
    const call = this.begin(requestFields(path, more));
    for (const message of messages) call.send(frame(message));
    if (!call.isOver) call.end();
    return call;
  }

  /** Changes the initial window, as a client's SETTINGS do. */
  set(initialWindow: number): Promise<void> {
    const change = initialWindow - this.#initialWindow;
    this.#initialWindow = initialWindow;
    for (const call of this.calls.values()) call.window += change;
    return new Promise((resolve) => this.link.settings(initialWindow, resolve));
  }

  giveCredit(bytes = this.outstanding): void {
    this.outstanding -= bytes;
    this.link.credit(bytes);
  }

  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const call = this.#callOf(id, 'HEADERS');
    this.log.push(`${id} HEADERS${endStream ? ' end' : ''}`);
    const fields = fieldsOf(buffer, start, end);
    if (call.headers === null) {
      call.headers = fields;
      if (fields[0]?.[0] !== ':status') this.violations.push(`stream ${id}: its headers do not begin with :status`);
    } else if (!endStream) {
      this.violations.push(`stream ${id}: second headers`);
    }
    if (!endStream) return;
    call.trailers = fields;
    call.finish();
  }

  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const call = this.#callOf(id, 'DATA');
    const size = end - start;
    this.log.push(`${id} DATA ${size}${endStream ? ' end' : ''}`);
    if (call.headers === null) this.violations.push(`stream ${id}: DATA before HEADERS`);
    if (size > MAX_FRAME) this.violations.push(`stream ${id}: a frame of ${size} bytes`);
    call.window -= size;
    if (size > 0 && call.window < 0) this.violations.push(`stream ${id}: ${-call.window} bytes above its window`);
    this.outstanding += size;
    if (this.outstanding > LINK_WINDOW) this.violations.push(`${this.outstanding} bytes on their way`);
    call.data.push(Buffer.from(buffer.subarray(start, end)));
    if (endStream) call.finish();
    setImmediate(() => {
      if (this.#options.givesCredit) this.giveCredit(size);
      if (this.#options.givesWindows && !call.isOver) call.grant(size);
    });
  }

  reset(id: number, code: number): void {
    const call = this.#callOf(id, 'RST_STREAM');
    this.log.push(`${id} RST_STREAM ${code}`);
    call.resetCode = code;
    call.finish();
  }

  windowUpdate(id: number, increment: number): void {
    this.log.push(`${id} WINDOW_UPDATE ${increment}`);
    this.#callOf(id, 'WINDOW_UPDATE').granted += increment;
  }

  took(bytes: number): void {
    this.taken += bytes;
  }

  fail(code: number, reason: string): void {
    this.failure = { code, reason };
    this.link.close();
  }

  #callOf(id: number, what: string): LinkCall {
    const call = this.calls.get(id);
    if (call === undefined) throw new Error(`${what} on stream ${id}, which was never opened`);
    if (call.isOver) this.violations.push(`stream ${id}: ${what} after its end`);
    return call;
  }
}

export function valueOf(fields: Fields, name: string): string | undefined {
  return fields.find(([key]) => key === name)?.[1];
}

/** All values of a field, in order. */
export function valuesOf(fields: Fields, name: string): string[] {
  return fields.filter(([key]) => key === name).map(([, value]) => value);
}
