// RFC 9113 sections 3.4 (the preface) and 4 (frames).
import { FLAG, FRAME, PREFACE } from '#src/http2/constants.js';
import { CALL, callWith, echo, EIGHT, MESSAGE, settings, u32, UPLOAD, type Row } from './row.js';

const { ACK, END_HEADERS, END_STREAM, PADDED, PRIORITY } = FLAG;

const PREFACE_ROWS: readonly Row[] = [
  { section: '3.4', what: 'a TLS handshake', greeting: 'none', then: 'end', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.bytes(Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3]), Buffer.alloc(100)])) },
  { section: '3.4', what: 'a preface with a wrong last byte', greeting: 'none', then: 'end', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.bytes(Buffer.concat([PREFACE.subarray(0, 23), Buffer.from('x')])) },
  { section: '3.4', what: 'frames without a preface', greeting: 'none', then: 'end', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(60)) },
  ...([
    ['PING', FRAME.PING, 0, 0, EIGHT],
    ['HEADERS', FRAME.HEADERS, END_HEADERS, 1, CALL],
    ['DATA', FRAME.DATA, 0, 1, EIGHT],
    ['WINDOW_UPDATE', FRAME.WINDOW_UPDATE, 0, 0, u32(1)],
    ['GOAWAY', FRAME.GOAWAY, 0, 0, EIGHT],
    ['an acknowledgement of SETTINGS', FRAME.SETTINGS, ACK, 0, Buffer.alloc(0)],
    ['a frame of an unknown type', 77, 0, 0, EIGHT],
  ] as const).map(([what, type, flags, id, payload]): Row => ({
    section: '3.4', what: `${what} right after the preface`, greeting: 'none', then: 'end', expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.bytes(PREFACE).frame(type, flags, id, payload),
  })),
  { section: '3.4', what: 'SETTINGS of a wrong length right after the preface', greeting: 'none', then: 'end', expect: 'connection FRAME_SIZE_ERROR',
    send: (c) => c.bytes(PREFACE).frame(FRAME.SETTINGS, 0, 0, EIGHT) },
  { section: '3.4', what: 'a preface twice', expect: 'connection FRAME_SIZE_ERROR', send: (c) => c.flush().bytes(PREFACE) },
  { section: '3.4', what: 'a preface, empty SETTINGS and a call at once', greeting: 'none', expect: 'answered',
    send: (c) => echo(c.bytes(PREFACE).frame(FRAME.SETTINGS, 0, 0)) },
  { section: '3.4', what: 'a preface in two pieces', greeting: 'none', expect: 'answered',
    send: async (c) => {
      c.bytes(PREFACE.subarray(0, 10));
      await new Promise(setImmediate);
      echo(c.bytes(PREFACE.subarray(10)).frame(FRAME.SETTINGS, 0, 0));
    } },
];

const FORMAT_ROWS: readonly Row[] = [
  { section: '4.1', what: 'a frame of an unknown type on stream 0', expect: 'answered', send: (c) => echo(c.frame(77, 0xff, 0, EIGHT)) },
  { section: '4.1', what: 'a frame of an unknown type on an idle stream', expect: 'ignored', send: (c) => c.frame(77, 0xff, 1, EIGHT) },
  { section: '4.1', what: 'a frame of an unknown type on an open stream', expect: 'answered',
    send: (c) => c.call(1, UPLOAD).frame(77, 0xff, 1, EIGHT).data(1, MESSAGE, true) },
  { section: '4.1', what: 'an empty frame of an unknown type', expect: 'answered', send: (c) => echo(c.frame(255, 0, 0)) },
  { section: '4.1', what: 'flags that are not defined, on every frame of a call', expect: 'answered',
    send: (c) => c.frame(FRAME.PING, 0xfe, 0, EIGHT).frame(FRAME.SETTINGS, 0xfe, 0).frame(FRAME.WINDOW_UPDATE, 0xff, 0, u32(1))
      .frame(FRAME.HEADERS, END_HEADERS | 0xd2, 1, CALL).frame(FRAME.DATA, END_STREAM | 0xf6, 1, MESSAGE) },
  { section: '4.1', what: 'the reserved bit in front of stream ids', expect: 'answered',
    send: (c) => c.frame(FRAME.HEADERS, END_HEADERS, 0x8000_0001, CALL).frame(FRAME.DATA, END_STREAM, 0x8000_0001, MESSAGE) },
];

const tooLarge: readonly (readonly [string, number, number, number])[] = [
  ['DATA', FRAME.DATA, 0, 1], ['HEADERS', FRAME.HEADERS, END_HEADERS, 1], ['PRIORITY', FRAME.PRIORITY, 0, 1], ['RST_STREAM', FRAME.RST_STREAM, 0, 1],
  ['SETTINGS', FRAME.SETTINGS, 0, 0], ['PUSH_PROMISE', FRAME.PUSH_PROMISE, 0, 1], ['PING', FRAME.PING, 0, 0], ['GOAWAY', FRAME.GOAWAY, 0, 0],
  ['WINDOW_UPDATE', FRAME.WINDOW_UPDATE, 0, 0], ['CONTINUATION', FRAME.CONTINUATION, 0, 1], ['an unknown frame', 77, 0, 0],
];

const PADDING = { expect: 'connection PROTOCOL_ERROR', because: 'nghttp2 has no other code for padding' };
const SIZE_ROWS: readonly Row[] = [
  ...tooLarge.map(([what, type, flags, id]): Row => ({
    section: '4.2', what: `${what} of 16386 bytes`, expect: 'connection FRAME_SIZE_ERROR', send: (c) => c.frame(type, flags, id, Buffer.alloc(0), 16_386),
  })),
  { section: '4.2', what: 'a frame of 2^24-1 bytes', expect: 'connection FRAME_SIZE_ERROR', send: (c) => c.frame(FRAME.DATA, 0, 1, Buffer.alloc(0), 2 ** 24 - 1) },
  { section: '4.2', what: 'an unknown frame of 16384 bytes', expect: 'answered', send: (c) => echo(c.frame(77, 0, 0, Buffer.alloc(16_384))) },
  { section: '4.2', what: 'DATA of 16384 bytes', expect: 'answered',
    send: (c) => c.call(1, UPLOAD).data(1, Buffer.concat([Buffer.from([0, 0, 0, 63, 251, 10, 0xf8, 0x7f]), Buffer.alloc(16_376)]), true) },
  { section: '4.2', what: 'empty DATA, and then a message', expect: 'answered', send: (c) => c.call(1, UPLOAD).data(1, Buffer.alloc(0)).data(1, MESSAGE, true) },
  { section: '4.2', what: 'HEADERS too short for the priority in them', expect: 'connection FRAME_SIZE_ERROR',
    send: (c) => c.frame(FRAME.HEADERS, END_HEADERS | PRIORITY, 1, Buffer.alloc(4)) },
  { section: '4.2', what: 'HEADERS too short for the length of its padding', expect: 'connection FRAME_SIZE_ERROR',
    send: (c) => c.frame(FRAME.HEADERS, END_HEADERS | PADDED, 1), http2: PADDING },
  { section: '4.2', what: 'HEADERS too short for priority and padding', expect: 'connection FRAME_SIZE_ERROR',
    send: (c) => c.frame(FRAME.HEADERS, END_HEADERS | PADDED | PRIORITY, 1, Buffer.alloc(5)), http2: PADDING },
  { section: '4.2', what: 'DATA too short for the length of its padding', expect: 'connection FRAME_SIZE_ERROR',
    send: (c) => c.call(1, UPLOAD).frame(FRAME.DATA, PADDED, 1), http2: PADDING },
];

const between: readonly (readonly [string, number, number, number, Buffer])[] = [
  ['DATA', FRAME.DATA, 0, 1, EIGHT], ['HEADERS of the same stream', FRAME.HEADERS, END_HEADERS, 1, CALL], ['HEADERS of another stream', FRAME.HEADERS, END_HEADERS, 3, CALL],
  ['PRIORITY', FRAME.PRIORITY, 0, 1, Buffer.alloc(5)], ['RST_STREAM', FRAME.RST_STREAM, 0, 1, u32(8)], ['SETTINGS', FRAME.SETTINGS, 0, 0, Buffer.alloc(0)],
  ['PING', FRAME.PING, 0, 0, EIGHT], ['GOAWAY', FRAME.GOAWAY, 0, 0, EIGHT], ['WINDOW_UPDATE', FRAME.WINDOW_UPDATE, 0, 0, u32(1)],
  ['CONTINUATION of another stream', FRAME.CONTINUATION, END_HEADERS, 3, CALL], ['CONTINUATION of stream 0', FRAME.CONTINUATION, END_HEADERS, 0, CALL],
  ['a frame of an unknown type', 77, 0, 0, EIGHT],
];

const BLOCK_ROWS: readonly Row[] = [
  ...between.map(([what, type, flags, id, payload]): Row => ({
    section: '4.3', what: `${what} inside a header block`, expect: 'connection PROTOCOL_ERROR',
    send: (c) => c.frame(FRAME.HEADERS, 0, 1, CALL.subarray(0, 5)).frame(type, flags, id, payload),
  })),
  { section: '4.3', what: 'a header block a byte a frame', expect: 'answered',
    send: (c) => {
      const pieces = 20;
      c.frame(FRAME.HEADERS, 0, 1, CALL.subarray(0, 1));
      for (let at = 1; at < pieces; at += 1) c.frame(FRAME.CONTINUATION, 0, 1, CALL.subarray(at, at + 1));
      c.frame(FRAME.CONTINUATION, END_HEADERS, 1, CALL.subarray(pieces)).data(1, MESSAGE, true);
    },
    http2: { expect: 'connection ENHANCE_YOUR_CALM', because: 'nghttp2 takes 8 CONTINUATIONs' } },
  { section: '4.3', what: 'a header block with empty frames in it', expect: 'answered',
    send: (c) => c.frame(FRAME.HEADERS, 0, 1).frame(FRAME.CONTINUATION, 0, 1).frame(FRAME.CONTINUATION, 0, 1, CALL).frame(FRAME.CONTINUATION, END_HEADERS, 1)
      .data(1, MESSAGE, true) },
  { section: '4.3', what: 'a header block that ends inside a field', expect: 'connection COMPRESSION_ERROR', send: (c) => callWith(c, 1, CALL.subarray(0, -2)) },
  { section: '4.3', what: 'broken trailers', expect: 'connection COMPRESSION_ERROR',
    send: (c) => c.call(1, UPLOAD).frame(FRAME.HEADERS, END_HEADERS | END_STREAM, 1, Buffer.from([0x80])) },
  { section: '4.3', what: 'a broken header block on a stream that it has reset', expect: 'connection COMPRESSION_ERROR',
    send: (c) => c.call(1, UPLOAD).frame(FRAME.RST_STREAM, 0, 1, u32(8)).frame(FRAME.HEADERS, END_HEADERS | END_STREAM, 1, Buffer.from([0x80])) },
  { section: '4.3', what: 'SETTINGS of a smaller table, which only our blocks have to follow', expect: 'answered',
    send: (c) => echo(c.frame(FRAME.SETTINGS, 0, 0, settings(['HEADER_TABLE_SIZE', 0]))) },
];

export const FRAME_ROWS: readonly Row[] = [...PREFACE_ROWS, ...FORMAT_ROWS, ...SIZE_ROWS, ...BLOCK_ROWS];
