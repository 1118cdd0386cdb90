// RFC 9113 section 6: each type of frame, and sections 6.9 and 10.5.1: what of it there may be.
import { FLAG, FRAME, STREAM_WINDOW } from '#src/http2/constants.js';
import type { RawClient } from '../raw-client.js';
import { answered, CALL, echo, EIGHT, hold, MESSAGE, settings, u32, UNREAD, UPLOAD, type Row } from './row.js';

const { ACK, END_HEADERS, END_STREAM, PADDED, PRIORITY } = FLAG;
const MAX = 2 ** 31 - 1;

/** @param padding what the first octet says; @param octets that follow the payload */
const padded = (payload: Buffer, padding: number, octets = padding): Buffer => Buffer.concat([Buffer.from([padding]), payload, Buffer.alloc(octets)]);

const DATA_ROWS: readonly Row[] = [
  { section: '6.1', what: 'DATA on stream 0', expect: 'connection PROTOCOL_ERROR', send: (c) => c.data(0, EIGHT) },
  ...([0, 1, 255] as const).map((padding): Row => ({
    section: '6.1', what: `DATA with ${padding} octets of padding`, expect: 'answered',
    send: (c) => c.call(1, UPLOAD).frame(FRAME.DATA, PADDED | END_STREAM, 1, padded(MESSAGE, padding)),
  })),
  { section: '6.1', what: 'DATA of padding alone', expect: 'answered', send: (c) => c.call(1, UPLOAD).frame(FRAME.DATA, PADDED, 1, padded(Buffer.alloc(0), 9)).data(1, MESSAGE, true) },
  { section: '6.1', what: 'DATA with as much padding as there is payload', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.call(1, UPLOAD).frame(FRAME.DATA, PADDED, 1, padded(EIGHT, 9, 0)) },
  { section: '6.1', what: 'DATA with padding that is no zeros', expect: 'answered',
    send: (c) => c.call(1, UPLOAD).frame(FRAME.DATA, PADDED | END_STREAM, 1, Buffer.concat([Buffer.from([4]), MESSAGE, Buffer.alloc(4, 1)])) },
];

const HEADERS_ROWS: readonly Row[] = [
  { section: '6.2', what: 'HEADERS on stream 0', expect: 'connection PROTOCOL_ERROR', send: (c) => c.frame(FRAME.HEADERS, END_HEADERS, 0, CALL) },
  { section: '6.2', what: 'HEADERS with padding', expect: 'answered', send: (c) => c.frame(FRAME.HEADERS, END_HEADERS | PADDED, 1, padded(CALL, 7)).data(1, MESSAGE, true) },
  { section: '6.2', what: 'HEADERS with padding and priority', expect: 'answered',
    send: (c) => c.frame(FRAME.HEADERS, END_HEADERS | PADDED | PRIORITY, 1, padded(Buffer.concat([u32(0), Buffer.from([15]), CALL]), 7)).data(1, MESSAGE, true) },
  { section: '6.2', what: 'HEADERS with more padding than payload', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.frame(FRAME.HEADERS, END_HEADERS | PADDED, 1, padded(CALL, 255, 0)) },
  { section: '6.2', what: 'HEADERS whose padding reaches into the priority', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.frame(FRAME.HEADERS, END_HEADERS | PADDED | PRIORITY, 1, padded(Buffer.alloc(5), 3, 0)) },
  { section: '6.2', what: 'END_STREAM on HEADERS that CONTINUATION goes on with', expect: 'answered',
    send: (c) => c.call(1, UPLOAD).data(1, MESSAGE).frame(FRAME.HEADERS, END_STREAM, 1, Buffer.from([0, 1, 120])).frame(FRAME.CONTINUATION, END_HEADERS, 1, Buffer.from([1, 121])) },
];

const WRONG_PRIORITY = { expect: 'connection FRAME_SIZE_ERROR', because: 'nghttp2 ends the connection for what section 6.3 calls an error of the stream' };
const UNASKED = { expect: 'connection INTERNAL_ERROR', because: 'node:http2 takes it for an attack' };
const SMALL_ROWS: readonly Row[] = [
  { section: '6.3', what: 'PRIORITY on stream 0', expect: 'connection PROTOCOL_ERROR', send: (c) => c.frame(FRAME.PRIORITY, 0, 0, Buffer.alloc(5)) },
  ...([4, 6] as const).map((length): Row => ({
    section: '6.3', what: `PRIORITY of ${length} bytes on an open stream`, expect: 'stream FRAME_SIZE_ERROR',
    send: (c) => c.call(1, UPLOAD).frame(FRAME.PRIORITY, 0, 1, Buffer.alloc(length)), http2: WRONG_PRIORITY,
  })),
  { section: '6.3', what: 'PRIORITY of 4 bytes on an idle stream', expect: 'ignored', send: (c) => c.frame(FRAME.PRIORITY, 0, 1, Buffer.alloc(4)), http2: WRONG_PRIORITY },
  { section: '6.4', what: 'RST_STREAM on stream 0', expect: 'connection PROTOCOL_ERROR', send: (c) => c.frame(FRAME.RST_STREAM, 0, 0, u32(8)) },
  ...([0, 3, 5] as const).map((length): Row => ({
    section: '6.4', what: `RST_STREAM of ${length} bytes`, expect: 'connection FRAME_SIZE_ERROR', send: (c) => c.call(1, UPLOAD).frame(FRAME.RST_STREAM, 0, 1, Buffer.alloc(length)),
  })),
  { section: '6.4', what: 'RST_STREAM with an unknown code', expect: 'ignored', send: (c) => c.call(1, UPLOAD).frame(FRAME.RST_STREAM, 0, 1, u32(0xffff_ffff)) },
  { section: '6.6', what: 'PUSH_PROMISE on an open stream', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.call(1, UPLOAD).frame(FRAME.PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([u32(2), CALL])) },
  { section: '6.7', what: 'PING on a stream', expect: 'connection PROTOCOL_ERROR', send: (c) => c.call(1, UPLOAD).frame(FRAME.PING, 0, 1, EIGHT) },
  ...([0, 7, 9] as const).map((length): Row => ({
    section: '6.7', what: `PING of ${length} bytes`, expect: 'connection FRAME_SIZE_ERROR', send: (c) => c.frame(FRAME.PING, 0, 0, Buffer.alloc(length)),
  })),
  { section: '6.7', what: 'an answer to a PING that nobody has sent', expect: 'answered', send: (c) => echo(c.frame(FRAME.PING, ACK, 0, EIGHT)), http2: UNASKED },
  { section: '6.7', what: 'PING', expect: 'answered', send: (c) => echo(c), then: 'ping' },
  { section: '6.8', what: 'GOAWAY on a stream', expect: 'connection PROTOCOL_ERROR', send: (c) => c.frame(FRAME.GOAWAY, 0, 1, EIGHT) },
  { section: '6.8', what: 'GOAWAY of 7 bytes', expect: 'connection FRAME_SIZE_ERROR', send: (c) => c.frame(FRAME.GOAWAY, 0, 0, Buffer.alloc(7)) },
  { section: '6.8', what: 'GOAWAY during a call', then: 'end', expect: 'answered; closed',
    send: (c) => c.call(1, UPLOAD).frame(FRAME.GOAWAY, 0, 0, EIGHT).data(1, MESSAGE, true),
    http2: { expect: 'closed', because: 'grpc-js closes a session at once whose client has said GOAWAY' } },
  { section: '6.8', what: 'GOAWAY with a reason of its own and a text', then: 'end', expect: 'closed',
    send: (c) => c.frame(FRAME.GOAWAY, 0xff, 0, Buffer.concat([u32(MAX), u32(0xffff_ffff), Buffer.alloc(1000, 'x')])),
    http2: { expect: 'connection INTERNAL_ERROR', because: 'node:http2 hands the reason back' } },
];

const SETTINGS_ROWS: readonly Row[] = [
  { section: '6.5', what: 'SETTINGS on a stream', expect: 'connection PROTOCOL_ERROR', send: (c) => c.frame(FRAME.SETTINGS, 0, 1) },
  ...([1, 5, 7] as const).map((length): Row => ({
    section: '6.5', what: `SETTINGS of ${length} bytes`, expect: 'connection FRAME_SIZE_ERROR', send: (c) => c.frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(length)),
  })),
  { section: '6.5', what: 'an acknowledgement of SETTINGS that has a payload', expect: 'connection FRAME_SIZE_ERROR', send: (c) => c.frame(FRAME.SETTINGS, ACK, 0, settings([3, 1])) },
  { section: '6.5', what: 'an acknowledgement of SETTINGS on a stream', expect: 'connection PROTOCOL_ERROR', send: (c) => c.frame(FRAME.SETTINGS, ACK, 1) },
  { section: '6.5', what: 'an acknowledgement of SETTINGS that nobody has sent', expect: 'answered', send: (c) => echo(c.frame(FRAME.SETTINGS, ACK, 0)), http2: UNASKED },
  ...([
    ['ENABLE_PUSH', 2, 'PROTOCOL_ERROR'], ['ENABLE_PUSH', 0xffff_ffff, 'PROTOCOL_ERROR'], ['INITIAL_WINDOW_SIZE', 2 ** 31, 'FLOW_CONTROL_ERROR'],
    ['INITIAL_WINDOW_SIZE', 0xffff_ffff, 'FLOW_CONTROL_ERROR'], ['MAX_FRAME_SIZE', 0, 'PROTOCOL_ERROR'], ['MAX_FRAME_SIZE', 16_383, 'PROTOCOL_ERROR'],
    ['MAX_FRAME_SIZE', 2 ** 24, 'PROTOCOL_ERROR'],
  ] as const).map(([name, value, code]): Row => ({
    section: '6.5.2', what: `${name} of ${value}`, expect: `connection ${code}`, send: (c) => c.frame(FRAME.SETTINGS, 0, 0, settings([name, value])),
  })),
  ...([
    ['HEADER_TABLE_SIZE', 0xffff_ffff], ['ENABLE_PUSH', 0], ['ENABLE_PUSH', 1], ['MAX_CONCURRENT_STREAMS', 0], ['INITIAL_WINDOW_SIZE', MAX], ['MAX_FRAME_SIZE', 16_384],
    ['MAX_FRAME_SIZE', 2 ** 24 - 1], ['MAX_HEADER_LIST_SIZE', 0xffff_ffff], [0, 0], [77, 0xffff_ffff], [0xffff, 0xffff_ffff],
  ] as const).map(([name, value]): Row => ({
    section: '6.5.2', what: `${typeof name === 'number' ? `the unknown setting ${name}` : name} of ${value}`, expect: 'answered',
    send: (c) => echo(c.frame(FRAME.SETTINGS, 0, 0, settings([name, value]))),
  })),
  { section: '6.5.3', what: 'a good value after a wrong one of the same setting', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.frame(FRAME.SETTINGS, 0, 0, settings(['MAX_FRAME_SIZE', 1], ['MAX_FRAME_SIZE', 16_384])),
    http2: { expect: 'ignored', because: 'nghttp2 looks at the last value alone' } },
  { section: '6.5.3', what: 'a window of 0 and then a larger one in the same SETTINGS', expect: 'answered',
    send: (c) => echo(c.frame(FRAME.SETTINGS, 0, 0, settings(['INITIAL_WINDOW_SIZE', 0], ['INITIAL_WINDOW_SIZE', 1000]))) },
  { section: '6.5.3', what: 'SETTINGS three times, which are acknowledged as often', expect: 'answered',
    send: async (c) => {
      await c.settle();
      const before = acknowledgements(c);
      for (let count = 0; count < 3; count += 1) c.frame(FRAME.SETTINGS, 0, 0, settings(['INITIAL_WINDOW_SIZE', 1000 - count]));
      await c.next(() => acknowledgements(c) === before + 3);
      echo(c);
    } },
];

const acknowledgements = (client: RawClient): number => client.received.filter(({ type, flags }) => type === 'SETTINGS' && (flags & ACK) !== 0).length;
const grow = (client: RawClient, id: number, increment: number): RawClient => client.frame(FRAME.WINDOW_UPDATE, 0, id, u32(increment));

/** Bytes that no handler reads, on streams from `first` on. */
function flood(client: RawClient, first: number, streams: number, bytes: number): void {
  for (let id = first; id < first + 2 * streams; id += 2) {
    client.call(id, UNREAD);
    // More messages than grpc-js reads ahead, so that the rest is not read at all.
    client.data(id, Buffer.alloc(40 * 5));
    for (let sent = 0; sent < bytes; sent += 16_384) client.data(id, Buffer.alloc(16_384));
    client.flush();
  }
}

const OVERGROWN = { expect: 'connection INTERNAL_ERROR', because: 'node:http2 ends the session for what section 6.9.1 calls an error of the stream' };
const WINDOW_ROWS: readonly Row[] = [
  { section: '6.9', what: 'WINDOW_UPDATE of 0 on an open stream', expect: 'stream PROTOCOL_ERROR', send: (c) => grow(c.call(1, UPLOAD), 1, 0),
    http2: { expect: 'connection PROTOCOL_ERROR', because: 'nghttp2 ends the connection for what section 6.9 calls an error of the stream' } },
  { section: '6.9', what: 'WINDOW_UPDATE of 0 for the connection', expect: 'connection PROTOCOL_ERROR', send: (c) => grow(c, 0, 0) },
  { section: '6.9', what: 'WINDOW_UPDATE of 0 behind a reserved bit', expect: 'connection PROTOCOL_ERROR', send: (c) => grow(c, 0, 2 ** 31) },
  { section: '6.9', what: 'WINDOW_UPDATE of 1 behind a reserved bit', expect: 'answered', send: (c) => echo(grow(c, 0, 2 ** 31 + 1)) },
  ...([0, 3, 5] as const).map((length): Row => ({
    section: '6.9', what: `WINDOW_UPDATE of ${length} bytes`, expect: 'connection FRAME_SIZE_ERROR', send: (c) => c.frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.alloc(length)),
  })),
  { section: '6.9', what: 'WINDOW_UPDATE on a stream that it has ended', expect: 'ignored', send: (c) => grow(hold(c), 1, 1) },
  { section: '6.9.1', what: 'a window of the connection of 2^31-1', expect: 'answered', send: (c) => echo(grow(c, 0, MAX - 65_535)) },
  { section: '6.9.1', what: 'a window of the connection above 2^31-1', expect: 'connection FLOW_CONTROL_ERROR', send: (c) => grow(c, 0, MAX - 65_534) },
  { section: '6.9.1', what: 'a window of a stream of 2^31-1', expect: 'answered', send: (c) => grow(c.call(1, UPLOAD), 1, MAX - 65_535).data(1, MESSAGE, true) },
  { section: '6.9.1', what: 'a window of a stream above 2^31-1', expect: 'stream FLOW_CONTROL_ERROR', send: (c) => grow(c.call(1, UPLOAD), 1, MAX - 65_534),
    http2: OVERGROWN },
  { section: '6.9.1', what: 'a window of a stream above 2^31-1 in steps', expect: 'stream FLOW_CONTROL_ERROR', send: (c) => grow(grow(c.call(1, UPLOAD), 1, 2 ** 30), 1, 2 ** 30),
    http2: OVERGROWN },
  { section: '6.9.1', what: 'more DATA than the stream may carry', expect: 'stream FLOW_CONTROL_ERROR', send: (c) => flood(c, 1, 1, STREAM_WINDOW + 65_536) },
  { section: '6.9.2', what: 'an initial window that makes the one of a stream larger than 2^31-1', expect: 'answered; connection FLOW_CONTROL_ERROR',
    // A first call, for behind a router the windows of one that waits are nobody's yet.
    send: async (c) => grow((await answered(c)).call(3, UPLOAD), 3, MAX - 65_535).frame(FRAME.SETTINGS, 0, 0, settings(['INITIAL_WINDOW_SIZE', 65_536])),
    http2: { expect: 'answered; 3: stream FLOW_CONTROL_ERROR', because: 'nghttp2 takes it for an error of the stream' } },
  { section: '6.9.2', what: 'an initial window of 0, and room for the answer later', expect: 'answered',
    send: async (c) => {
      echo(c.frame(FRAME.SETTINGS, 0, 0, settings(['INITIAL_WINDOW_SIZE', 0])));
      await c.frameOf('HEADERS', 1);
      grow(c, 1, 4);
      await c.frameOf('DATA', 1);
      grow(c, 1, 1000).frame(FRAME.SETTINGS, 0, 0, settings(['INITIAL_WINDOW_SIZE', 1000]));
    } },
  { section: '6.9.2', what: 'an initial window that leaves one of a stream below 0, and then enough', expect: 'answered',
    send: async (c) => {
      echo(c);
      await c.frameOf('DATA', 1);
      grow(c.frame(FRAME.SETTINGS, 0, 0, settings(['INITIAL_WINDOW_SIZE', 0])), 0, 1);
      c.frame(FRAME.SETTINGS, 0, 0, settings(['INITIAL_WINDOW_SIZE', 65_535]));
    } },
];

const CONTINUATION_ROWS: readonly Row[] = [
  { section: '6.10', what: 'CONTINUATION without HEADERS', expect: 'connection PROTOCOL_ERROR', send: (c) => c.frame(FRAME.CONTINUATION, END_HEADERS, 1, CALL) },
  { section: '6.10', what: 'CONTINUATION on stream 0', expect: 'connection PROTOCOL_ERROR', send: (c) => c.frame(FRAME.CONTINUATION, END_HEADERS, 0, CALL) },
  { section: '6.10', what: 'CONTINUATION after HEADERS that had ended', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.frame(FRAME.HEADERS, END_HEADERS, 1, CALL).frame(FRAME.CONTINUATION, END_HEADERS, 1, Buffer.from([0, 1, 120, 1, 121])) },
  { section: '6.10', what: 'CONTINUATION after DATA', expect: 'connection PROTOCOL_ERROR', send: (c) => c.call(1, UPLOAD).data(1, MESSAGE).frame(FRAME.CONTINUATION, END_HEADERS, 1) },
  { section: '10.5.1', what: 'CONTINUATIONs without end', expect: 'connection ENHANCE_YOUR_CALM',
    send: (c) => {
      c.frame(FRAME.HEADERS, 0, 1, CALL);
      for (let count = 0; count < 40; count += 1) c.frame(FRAME.CONTINUATION, 0, 1);
    } },
  { section: '10.5.1', what: 'a header block of 80 KiB', expect: 'connection ENHANCE_YOUR_CALM',
    send: (c) => {
      c.frame(FRAME.HEADERS, 0, 1, CALL);
      for (let count = 0; count < 5; count += 1) c.frame(FRAME.CONTINUATION, 0, 1, Buffer.alloc(16_384, 0x82));
    },
    http2: { expect: 'connection PROTOCOL_ERROR', because: 'nghttp2 reads the fields as they come, and these are wrong' } },
];

export const TYPE_ROWS: readonly Row[] = [...DATA_ROWS, ...HEADERS_ROWS, ...SMALL_ROWS, ...SETTINGS_ROWS, ...WINDOW_ROWS, ...CONTINUATION_ROWS];
