import { SETTING } from '#src/http2/constants.js';
import { BlockWriter } from '#src/http2/hpack/encoder.js';
import type { RawClient } from '../raw-client.js';

/**
 * What a client hears of what it sent. `connection`: GOAWAY with that code, then the end. `stream`: RST_STREAM with that
 * code on stream 1, on another when its id is in front. `answered`: the call on stream 1 ended with OK, `status N` with
 * another status. `ignored`: nothing. But for the first, a further call on the connection is served.
 */
export type Outcome = string;

export type Server = 'http2' | 'lean' | 'rpc';

/** A case of the table: what a section of an RFC says about what a client sends. */
export interface Row {
  /** Of RFC 9113; with `HPACK` in front, of RFC 7541. */
  readonly section: string;
  /** As the end of the sentence "The client sends ...". */
  readonly what: string;
  readonly send: (client: RawClient) => unknown;
  /** From the lean transport, by itself and behind a router. */
  readonly expect: Outcome;
  /** From node:http2, when that is something else, and why either is right. */
  readonly http2?: { readonly expect: Outcome; readonly because: string };
  /** `none`: the row says its own first words. */
  readonly greeting?: 'none';
  /** What shows that the connection lives on; after some rows there can be no further call. */
  readonly then?: 'call' | 'ping' | 'end';
}

export const ECHO = '/probe.v1.Probe/Echo';
/** Takes messages until the client has ended. */
export const UPLOAD = '/probe.v1.Probe/Collect';
/** Answers a message, and never ends. */
export const HOLD = '/probe.v1.Probe/Hold';
/** Never reads what it is sent. */
export const UNREAD = '/unread.v1.Unread/Ignore';

/** What these servers allow. */
export const MOST_STREAMS = 20;
export const MOST_METADATA = 8192;

export const EIGHT = Buffer.from('12345678');
/** A Payload of three bytes. */
export const BODY = Buffer.from([10, 3, 97, 98, 99]);
/** In its envelope. */
export const MESSAGE = Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), BODY]);

export type Field = readonly [name: string, value: string];

export const PSEUDO: readonly Field[] = [[':method', 'POST'], [':scheme', 'http'], [':path', ECHO], [':authority', 'test']];
export const REGULAR: readonly Field[] = [['content-type', 'application/grpc'], ['te', 'trailers']];

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A context-free block. */
export function blockOf(...lists: readonly (readonly Field[])[]): Buffer {
  const writer = new BlockWriter();
  for (const [name, value] of lists.flat()) writer.add(name, value);
  return writer.take();
}

/** The block of a good call. */
export const CALL = blockOf(PSEUDO, REGULAR);

/** Settings, right or wrong. */
export function settings(...pairs: readonly (readonly [keyof typeof SETTING | number, number])[]): Buffer {
  return Buffer.concat(pairs.map(([name, value]) => {
    const id = typeof name === 'number' ? name : SETTING[name];
    return Buffer.concat([Buffer.from([id >>> 8, id & 0xff]), u32(value)]);
  }));
}

/** A whole good call with that block of its own. */
export function callWith(client: RawClient, id: number, block: Buffer, data = MESSAGE): RawClient {
  client.out.headers(id, block, 0, block.length, false);
  return client.data(id, data, true);
}

/** A whole good call. */
export const echo = (client: RawClient, id = 1): RawClient => callWith(client, id, CALL);

/** A call of which the server's half stays open, and the client's has ended. */
export const hold = (client: RawClient, id = 1): RawClient => client.call(id, HOLD).message(id, Buffer.alloc(0), true);

/** A whole call, and its whole answer. */
export async function answered(client: RawClient, id = 1): Promise<RawClient> {
  echo(client, id);
  await client.next((frame) => frame.id === id && (frame.type === 'HEADERS' && (frame.flags & 1) !== 0));
  return client;
}
