// RFC 9113 section 8: header lists, messages, and what gRPC makes of them.
import type { RawClient } from '../raw-client.js';
import { FLAG, FRAME } from '#src/http2/constants.js';
import { blockOf, CALL, callWith, HOLD, MESSAGE, MOST_METADATA, PSEUDO, REGULAR, UPLOAD, type Field, type Row } from './row.js';

const MALFORMED = 'stream PROTOCOL_ERROR';
const LEFT_OUT = { expect: 'answered', because: 'node:http2 leaves such a field out, and serves the call' };

const list = (...fields: readonly Field[]) => (client: RawClient): RawClient => callWith(client, 1, blockOf(fields));
const withField = (...fields: readonly Field[]) => list(...PSEUDO, ...REGULAR, ...fields);
const without = (name: string): readonly Field[] => PSEUDO.filter(([key]) => key !== name);
const instead = (name: string, value: string): readonly Field[] => PSEUDO.map(([key, given]) => [key, key === name ? value : given] as const);
const upload = (client: RawClient, ...fields: readonly Field[]): RawClient =>
  client.headers(1, [...instead(':path', UPLOAD), ...REGULAR, ...fields]);
const trailers = (...fields: readonly Field[]) => (client: RawClient): RawClient => upload(client).data(1, MESSAGE).headers(1, fields, true);

const EXCHANGE_ROWS: readonly Row[] = [
  { section: '8.1', what: 'trailers', expect: 'answered', send: trailers(['x', 'y']) },
  { section: '8.1', what: 'empty trailers', expect: 'answered', send: trailers() },
  { section: '8.1', what: 'trailers without END_STREAM', expect: MALFORMED, send: (c) => upload(c).data(1, MESSAGE).headers(1, [['x', 'y']]) },
  { section: '8.1', what: 'a second header block that is no trailers', expect: MALFORMED, send: (c) => upload(c).frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, CALL) },
  { section: '8.1', what: 'trailers with a pseudo-header', expect: MALFORMED, send: trailers([':path', '/x']) },
  { section: '8.1', what: 'trailers with a name in capitals', expect: MALFORMED, send: trailers(['X', 'y']) },
  { section: '8.1', what: 'trailers with a field of connections', expect: MALFORMED, send: trailers(['connection', 'close']) },
  { section: '8.1', what: 'trailers, and then DATA', expect: 'stream STREAM_CLOSED', send: (c) => c.call(1, HOLD).message(1, Buffer.alloc(0)).headers(1, [['x', 'y']], true).data(1, MESSAGE),
    http2: { expect: 'connection STREAM_CLOSED', because: 'nghttp2 ends the connection for it' } },
  { section: '8.1', what: 'trailers that are too large', expect: 'stream ENHANCE_YOUR_CALM', send: trailers(['x', 'y'.repeat(MOST_METADATA)]),
    http2: { expect: 'answered', because: 'node:http2 has no such limit' } },
  { section: '8.1', what: 'HEADERS without any field', expect: MALFORMED, send: (c) => c.frame(FRAME.HEADERS, FLAG.END_HEADERS, 1) },
  { section: '8.1.1', what: 'the length of the content', expect: 'answered', send: withField(['content-length', '10']) },
  { section: '8.1.1', what: 'too small a length of the content', expect: MALFORMED, send: withField(['content-length', '9']) },
  { section: '8.1.1', what: 'too large a length of the content', expect: MALFORMED, send: withField(['content-length', '11']) },
  { section: '8.1.1', what: 'a length of 0 of a content', expect: MALFORMED, send: withField(['content-length', '0']) },
  { section: '8.1.1', what: 'a length of a content that there is none of', expect: MALFORMED, send: (c) => c.headers(1, [...PSEUDO, ...REGULAR, ['content-length', '10']], true) },
  { section: '8.1.1', what: 'a length of 0 and no content', expect: 'answered', send: (c) => upload(c, ['content-length', '0']).data(1, Buffer.alloc(0), true) },
  { section: '8.1.1', what: 'too large a length of the content, and trailers', expect: MALFORMED, send: (c) => upload(c, ['content-length', '11']).data(1, MESSAGE).headers(1, [['x', 'y']], true) },
  ...['-1', '+10', '1e1', '0x0a', '10 10', '10, 10', '', '99999999999999999999'].map((value): Row => ({
    section: '8.1.1', what: `a length of the content of "${value}"`, expect: MALFORMED, send: withField(['content-length', value]),
  })),
  { section: '8.1.1', what: 'two lengths of the content', expect: MALFORMED, send: withField(['content-length', '10'], ['content-length', '11']) },
];

const FIELD_ROWS: readonly Row[] = [
  ...(['X-Name', 'x-namE', 'Content-Type'] as const).map((name): Row => ({ section: '8.2', what: `a name with capitals, ${name}`, expect: MALFORMED, send: withField([name, 'v']) })),
  ...([['an empty name', ''], ['a name with a space', 'a b'], ['a name with a zero', 'a\0'], ['a name with a line break', 'a\n'], ['a name with a colon', 'a:b'],
    ['a name beyond ASCII', 'a\xe4'], ['a name with DEL', 'a\x7f']] as const).map(([what, name]): Row => ({
    section: '8.2.1', what, expect: MALFORMED, send: withField([name, 'v']), http2: LEFT_OUT,
  })),
  ...([['a zero', 'x\0y'], ['a line feed', 'x\ny'], ['a carriage return', 'x\ry'], ['another header behind a line break', 'x\r\nauthorization: y']] as const)
    .map(([what, value]): Row => ({ section: '8.2.1', what: `a value with ${what}`, expect: MALFORMED, send: withField(['a', value]), http2: LEFT_OUT })),
  ...([['spaces around', ' x '], ['a tab in front', '\tx']] as const).map(([what, value]): Row => ({
    // gRPC over HTTP/2: servers may strip them from metadata.
    section: '8.2.1', what: `a value with ${what}`, expect: 'answered', send: withField(['a', value]),
  })),
  { section: '8.2.1', what: 'a value of octets beyond ASCII', expect: 'answered', send: withField(['a', '\xe4\xff']) },
  ...(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'] as const).map((name): Row => ({
    section: '8.2.2', what: `the field ${name}`, expect: MALFORMED, send: withField([name, 'x']),
  })),
  { section: '8.2.2', what: 'te: gzip', expect: MALFORMED, send: list(...PSEUDO, ['content-type', 'application/grpc'], ['te', 'gzip']) },
  { section: '8.2.2', what: 'te: trailers, gzip', expect: MALFORMED, send: list(...PSEUDO, ['content-type', 'application/grpc'], ['te', 'trailers, gzip']) },
  { section: '8.2.2', what: 'no te', expect: 'answered', send: list(...PSEUDO, ['content-type', 'application/grpc']) },
  { section: '8.2.3', what: 'cookies in pieces', expect: 'answered', send: withField(['cookie', 'a=b'], ['cookie', 'c=d']) },
];

const PSEUDO_ROWS: readonly Row[] = [
  ...PSEUDO.map(([name, value]): Row => ({ section: '8.3', what: `${name} behind a field`, expect: MALFORMED, send: list(...without(name), ...REGULAR, [name, value]) })),
  ...PSEUDO.map(([name, value]): Row => ({ section: '8.3', what: `${name} twice`, expect: MALFORMED, send: list(...PSEUDO, [name, value], ...REGULAR) })),
  ...PSEUDO.map(([name]): Row => ({ section: '8.3.1', what: `no ${name}`, expect: MALFORMED, send: list(...without(name), ...REGULAR) })),
  ...([[':status', '200'], [':protocol', 'websocket'], [':unknown', 'x'], [':', 'x'], [':Path', '/x']] as const).map((field): Row => ({
    section: '8.3', what: `the pseudo-header ${field[0]}`, expect: MALFORMED, send: list(field, ...PSEUDO, ...REGULAR),
  })),
  { section: '8.3.1', what: 'an empty :path', expect: MALFORMED, send: list(...instead(':path', ''), ...REGULAR) },
  { section: '8.3.1', what: 'an empty :method', expect: MALFORMED, send: list(...instead(':method', ''), ...REGULAR) },
  { section: '8.3.1', what: 'an empty :scheme', expect: MALFORMED, send: list(...instead(':scheme', ''), ...REGULAR) },
  { section: '8.3.1', what: 'a :path without a slash in front', expect: MALFORMED, send: list(...instead(':path', 'probe.v1.Probe/Echo'), ...REGULAR) },
  { section: '8.3.1', what: 'a :path with a space', expect: MALFORMED, send: list(...instead(':path', '/probe.v1.Probe/ Echo'), ...REGULAR) },
  { section: '8.3.1', what: 'a :method with a space', expect: MALFORMED, send: list(...instead(':method', 'PO ST'), ...REGULAR) },
  { section: '8.3.1', what: 'host and no :authority', expect: 'answered', send: list(...without(':authority'), ...REGULAR, ['host', 'test']) },
  { section: '8.5', what: 'CONNECT with a path', expect: MALFORMED, send: list(...instead(':method', 'CONNECT'), ...REGULAR) },
  { section: '8.5', what: 'CONNECT without authority', expect: MALFORMED, send: list([':method', 'CONNECT'], ...REGULAR) },
];

const large = (name: string, bytes: number): Field => [name, 'x'.repeat(bytes)];
const LIMIT_ROWS: readonly Row[] = [
  { section: '10.5.1', what: 'a header list below the limit', expect: 'answered', send: withField(large('a', MOST_METADATA - 600)) },
  { section: '10.5.1', what: 'a header list above the limit', expect: 'status 8', send: withField(large('a', MOST_METADATA)),
    http2: { expect: 'answered', because: 'node:http2 has no such limit' } },
  { section: '10.5.1', what: 'a header list above the limit, made of many small fields', expect: 'status 8',
    send: withField(...Array.from({ length: 250 }, (_, index): Field => [`n${index}`, ''])),
    http2: { expect: 'stream ENHANCE_YOUR_CALM', because: 'node:http2 takes 128 fields' } },
];

export const MESSAGE_ROWS: readonly Row[] = [...EXCHANGE_ROWS, ...FIELD_ROWS, ...PSEUDO_ROWS, ...LIMIT_ROWS];
