// RFC 9113 section 5: the states of streams, their ids, their number, and what becomes of errors.
import { ERROR_CODE, FLAG, FRAME } from '#src/http2/constants.js';
import type { RawClient } from '../raw-client.js';
import { answered, CALL, echo, EIGHT, hold, MESSAGE, MOST_STREAMS, u32, UPLOAD, type Outcome, type Row } from './row.js';

const { END_HEADERS, END_STREAM } = FLAG;
const CANCEL = u32(ERROR_CODE.CANCEL);
const TRAILER = Buffer.from([0, 1, 120, 1, 121]);

type Send = (client: RawClient, id: number) => unknown;
/** Frames of a stream, one kind each. */
const ON_A_STREAM: Readonly<Record<'DATA' | 'HEADERS' | 'trailers' | 'PRIORITY' | 'RST_STREAM' | 'WINDOW_UPDATE' | 'CONTINUATION' | 'PUSH_PROMISE', Send>> = {
  DATA: (c, id) => c.data(id, EIGHT),
  HEADERS: (c, id) => c.frame(FRAME.HEADERS, END_HEADERS, id, CALL),
  trailers: (c, id) => c.frame(FRAME.HEADERS, END_HEADERS | END_STREAM, id, TRAILER),
  PRIORITY: (c, id) => c.frame(FRAME.PRIORITY, 0, id, Buffer.alloc(5)),
  RST_STREAM: (c, id) => c.frame(FRAME.RST_STREAM, 0, id, CANCEL),
  WINDOW_UPDATE: (c, id) => c.frame(FRAME.WINDOW_UPDATE, 0, id, u32(100)),
  CONTINUATION: (c, id) => c.frame(FRAME.CONTINUATION, END_HEADERS, id, TRAILER),
  PUSH_PROMISE: (c, id) => c.frame(FRAME.PUSH_PROMISE, END_HEADERS, id, Buffer.concat([u32(2), CALL])),
};
type Kind = keyof typeof ON_A_STREAM;

type Expected = Outcome | { readonly expect: Outcome; readonly http2: NonNullable<Row['http2']> };

function rows(section: string, where: string, begin: (client: RawClient) => unknown, expected: Readonly<Partial<Record<Kind, Expected>>>, id = 1): Row[] {
  return (Object.entries(expected) as [Kind, Expected][]).map(([kind, one]): Row => ({
    section,
    what: `${kind} on ${where}`,
    send: async (c) => {
      await begin(c);
      c.flush();
      ON_A_STREAM[kind](c, id);
    },
    ...(typeof one === 'string' ? { expect: one } : one),
  }));
}

const FATAL = 'connection PROTOCOL_ERROR';
const CLOSED = {
  expect: 'stream STREAM_CLOSED',
  http2: { expect: 'connection STREAM_CLOSED', because: 'nghttp2 ends the connection for what section 5.1 calls an error of the stream' },
};
const STRICT = 'the libraries in C++, Python and Ruby do so when a call is cancelled just before it is written';
const nothing = (): void => undefined;

const STATE_ROWS: readonly Row[] = [
  ...rows('5.1', 'an idle stream', nothing, {
    DATA: FATAL, RST_STREAM: { expect: 'ignored', http2: { expect: FATAL, because: STRICT } }, WINDOW_UPDATE: FATAL, CONTINUATION: FATAL, PUSH_PROMISE: FATAL, PRIORITY: 'ignored',
  }),
  ...rows('5.1', 'an idle stream above one that was used', (c) => answered(c, 3), {
    DATA: `3: answered; ${FATAL}`,
    RST_STREAM: { expect: '3: answered', http2: { expect: `3: answered; ${FATAL}`, because: STRICT } }, WINDOW_UPDATE: `3: answered; ${FATAL}`,
  }, 5),
  ...rows('5.1', 'a stream that it has ended', hold, {
    DATA: CLOSED, HEADERS: CLOSED, trailers: CLOSED, PRIORITY: 'ignored', RST_STREAM: 'ignored',
    WINDOW_UPDATE: 'ignored', CONTINUATION: FATAL, PUSH_PROMISE: FATAL,
  }),
  ...rows('5.1', 'a stream that both sides have ended', answered, {
    DATA: 'answered', HEADERS: 'answered', trailers: 'answered', PRIORITY: 'answered', RST_STREAM: 'answered', WINDOW_UPDATE: 'answered',
    CONTINUATION: `answered; ${FATAL}`, PUSH_PROMISE: `answered; ${FATAL}`,
  }),
  ...rows('5.1', 'a stream that it has reset', (c) => c.call(1, UPLOAD).frame(FRAME.RST_STREAM, 0, 1, CANCEL), {
    DATA: 'ignored', HEADERS: 'ignored', trailers: 'ignored', PRIORITY: 'ignored', RST_STREAM: 'ignored', WINDOW_UPDATE: 'ignored',
  }),
  ...rows('5.1', 'a stream that was reset', async (c) => {
    c.frame(FRAME.HEADERS, END_HEADERS, 1, Buffer.from([0x83]));
    await c.frameOf('RST_STREAM', 1);
  }, {
    DATA: 'stream PROTOCOL_ERROR', HEADERS: 'stream PROTOCOL_ERROR', trailers: 'stream PROTOCOL_ERROR', PRIORITY: 'stream PROTOCOL_ERROR',
    RST_STREAM: 'stream PROTOCOL_ERROR', WINDOW_UPDATE: 'stream PROTOCOL_ERROR',
  }),
  { section: '5.1', what: 'a call in which nothing but END_STREAM follows its headers', expect: 'answered', send: (c) => c.call(1, UPLOAD).data(1, Buffer.alloc(0), true) },
  { section: '5.1', what: 'a reset of an open call', expect: 'ignored', send: (c) => c.call(1, UPLOAD).frame(FRAME.RST_STREAM, 0, 1, CANCEL) },
];

const EVEN = 'an even stream';
const ID_ROWS: readonly Row[] = [
  ...rows('5.1.1', EVEN, nothing, { HEADERS: FATAL, DATA: FATAL, RST_STREAM: FATAL, WINDOW_UPDATE: FATAL, PRIORITY: 'ignored' }, 2),
  ...rows('5.1.1', `${EVEN} below others`, (c) => answered(c, 5), {
    HEADERS: `5: answered; ${FATAL}`, DATA: `5: answered; ${FATAL}`, RST_STREAM: `5: answered; ${FATAL}`, WINDOW_UPDATE: `5: answered; ${FATAL}`,
  }, 2),
  ...rows('5.1.1', 'stream 0', nothing, { HEADERS: FATAL, DATA: FATAL, RST_STREAM: FATAL, PRIORITY: FATAL, CONTINUATION: FATAL, PUSH_PROMISE: FATAL }, 0),
  ...rows('5.1.1', 'a stream that it has skipped', (c) => answered(c, 3), {
    HEADERS: '3: answered', DATA: '3: answered', RST_STREAM: '3: answered', WINDOW_UPDATE: '3: answered', PRIORITY: '3: answered',
  }),
  { section: '5.1.1', what: 'the highest id there is', expect: '2147483647: answered', then: 'ping', send: (c) => echo(c, 2 ** 31 - 1) },
  { section: '5.1.1', what: 'calls on ids far apart', expect: 'answered; 7: answered; 93: answered', send: (c) => [1, 7, 93].forEach((id) => echo(c, id)) },
];

const NUMBER_ROWS: readonly Row[] = [
  { section: '5.1.2', what: 'one stream more than it may', expect: `${2 * MOST_STREAMS + 1}: stream REFUSED_STREAM`, then: 'ping',
    http2: { expect: 'connection PROTOCOL_ERROR', because: 'nghttp2 ends the connection of a client that has acknowledged the limit' },
    send: async (c) => {
      for (let count = 0; count < MOST_STREAMS; count += 1) hold(c, 2 * count + 1);
      await c.settle();
      echo(c, 2 * MOST_STREAMS + 1);
    } },
  { section: '5.1.2', what: 'a call after one of as many as it may have was reset', expect: `${2 * MOST_STREAMS + 1}: answered`, then: 'ping',
    send: async (c) => {
      for (let count = 0; count < MOST_STREAMS; count += 1) hold(c, 2 * count + 1);
      await c.settle();
      echo(c.frame(FRAME.RST_STREAM, 0, 1, CANCEL), 2 * MOST_STREAMS + 1);
    } },
];

const SELF = { expect: 'connection PROTOCOL_ERROR', because: 'nghttp2 still does what RFC 7540 asked for' };
const PRIORITY_ROWS: readonly Row[] = [
  { section: '5.3.2', what: 'PRIORITY of a stream that depends on itself', expect: 'ignored', send: (c) => c.frame(FRAME.PRIORITY, 0, 1, Buffer.concat([u32(1), Buffer.from([1])])), http2: SELF },
  { section: '5.3.2', what: 'HEADERS of a stream that depends on itself', expect: 'answered',
    send: (c) => c.frame(FRAME.HEADERS, END_HEADERS | FLAG.PRIORITY, 1, Buffer.concat([u32(1), Buffer.from([1]), CALL])).data(1, MESSAGE, true), http2: SELF },
  { section: '5.3.2', what: 'PRIORITY of a stream that depends on one that is open', expect: 'answered',
    send: (c) => echo(c.frame(FRAME.PRIORITY, 0, 3, Buffer.concat([u32(0x8000_0001), Buffer.from([255])]))) },
];

const ERROR_ROWS: readonly Row[] = [
  { section: '5.4.2', what: 'RST_STREAM in answer to RST_STREAM', expect: 'stream PROTOCOL_ERROR',
    send: async (c) => {
      c.frame(FRAME.HEADERS, END_HEADERS, 1, Buffer.from([0x83]));
      await c.frameOf('RST_STREAM', 1);
      for (let count = 0; count < 3; count += 1) c.frame(FRAME.RST_STREAM, 0, 1, u32(ERROR_CODE.STREAM_CLOSED));
    } },
  { section: '5.4.2', what: 'a broken call and a good one at once', expect: 'stream PROTOCOL_ERROR; 3: answered',
    send: (c) => echo(c.frame(FRAME.HEADERS, END_HEADERS | END_STREAM, 1, Buffer.from([0x83])), 3) },
  { section: '5.4.1', what: 'a good call, and then a fault of the connection', expect: 'answered; connection PROTOCOL_ERROR',
    send: async (c) => {
      await answered(c);
      c.frame(FRAME.PING, 0, 1, EIGHT);
    } },
  { section: '5.5', what: 'frames of extensions that it was not offered', expect: 'answered',
    // ALTSVC, ORIGIN, PRIORITY_UPDATE.
    send: (c) => echo(c.frame(0xa, 0, 0, EIGHT).frame(0xc, 0, 0, EIGHT).frame(0x10, 0, 0, Buffer.concat([u32(1), Buffer.from('u=1')]))) },
];

export const STREAM_ROWS: readonly Row[] = [...STATE_ROWS, ...ID_ROWS, ...NUMBER_ROWS, ...PRIORITY_ROWS, ...ERROR_ROWS];
