import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { ConnectionError } from '#src/http2/connection-error.js';
import { ERROR_CODE } from '#src/http2/constants.js';
import { RequestReader, type RequestHeaders } from '#src/worker/transport/lean/request-headers.js';
import { dropUnreadable } from '#src/worker/transport/readable-metadata.js';
import { startLeanRig } from '../../../support/lean-rig.js';
import { block, requestFields, valueOf, type Fields } from '../../../support/link-client.js';

const LIMIT = 16 * 1024;

function read(fields: Fields, reader = new RequestReader(LIMIT)): RequestHeaders | 'malformed' | 'too large' {
  // Never at the beginning of its buffer, as in a chunk from a socket.
  const bytes = Buffer.concat([Buffer.from('xyz'), block(fields), Buffer.from('xyz')]);
  return reader.read(bytes, 3, bytes.length - 3);
}

const METHOD = [':method', 'POST'] as const;
const SCHEME = [':scheme', 'http'] as const;
const PATH = [':path', '/a.B/c'] as const;
const AUTHORITY = [':authority', 'here'] as const;
const GOOD: Fields = [METHOD, SCHEME, PATH, AUTHORITY];

describe('what RFC 9113 demands of a request', () => {
  const good: Record<string, Fields> = {
    'the four pseudo-headers': GOOD,
    'their order is free': [PATH, AUTHORITY, SCHEME, METHOD],
    'host instead of :authority (8.3.1)': [METHOD, SCHEME, PATH, ['host', 'here']],
    'a scheme without authority (8.3.1)': [METHOD, [':scheme', 'unix'], PATH],
    'te: trailers (8.2.2)': [...GOOD, ['te', 'trailers']],
    'te: Trailers, as tokens are': [...GOOD, ['te', 'Trailers']],
    'an empty value': [...GOOD, ['a', '']],
    'white space and tabs inside a value (8.2.1)': [...GOOD, ['a', 'b c\td']],
    'octets above 127 in a value (RFC 9110 5.5)': [...GOOD, ['a', 'é']],
    'every character of a token in a name (8.2.1)': [...GOOD, ["!#$%&'*+-.^_`|~09az", 'a']],
    'a content-length of digits (8.6)': [...GOOD, ['content-length', '0']],
    'OPTIONS * (8.3.1)': [[':method', 'OPTIONS'], SCHEME, [':path', '*'], AUTHORITY],
    'CONNECT without scheme and path (8.5)': [[':method', 'CONNECT'], AUTHORITY],
  };
  for (const [name, fields] of Object.entries(good)) {
    test(`taken: ${name}`, () => assert.equal(typeof read(fields), 'object'));
  }

  test('taken, without the white space at the ends of its values: what some libraries send', () => {
    const headers = read([...GOOD, ['a', ' b c\t'], ['d', ' '], ['te', 'trailers ']]);
    assert(typeof headers === 'object');
    assert.deepEqual([headers.a, headers.d], ['b c', '']);
  });

  test('taken, without what grpc-js would print with its value and then leave out', () => {
    const headers = read([...GOOD, ['a', 'secr\u00e9t'], ['b', 'tab\tbed'], ['c!', 'd'], ['e-bin', '\u00e9'], ['f', 'g']]);
    assert(typeof headers === 'object');
    assert.deepEqual([headers.a, headers.b, headers['c!'], headers['e-bin'], headers.f], [undefined, undefined, undefined, '\u00e9', 'g']);
  });

  const malformed: Record<string, Fields> = {
    'upper case in a name (8.2.1)': [...GOOD, ['Abc', 'd']],
    'a space in a name (8.2.1)': [...GOOD, ['a b', 'd']],
    'a colon in a name (8.2.1)': [...GOOD, ['a:b', 'd']],
    'an octet above 127 in a name (8.2.1)': [...GOOD, ['é', 'd']],
    'an empty name (8.2.1)': [...GOOD, ['', 'd']],
    'NUL in a value (8.2.1)': [...GOOD, ['a', 'b\0c']],
    'CR in a value (8.2.1)': [...GOOD, ['a', 'b\rc']],
    'LF in a value (8.2.1)': [...GOOD, ['a', 'b\nc']],
    'another control character in a value (RFC 9110 5.5)': [...GOOD, ['a', 'b\u0001c']],
    'DEL in a value (RFC 9110 5.5)': [...GOOD, ['a', 'b\u007fc']],
    'connection (8.2.2)': [...GOOD, ['connection', 'close']],
    'proxy-connection (8.2.2)': [...GOOD, ['proxy-connection', 'close']],
    'keep-alive (8.2.2)': [...GOOD, ['keep-alive', '1']],
    'transfer-encoding (8.2.2)': [...GOOD, ['transfer-encoding', 'chunked']],
    'upgrade (8.2.2)': [...GOOD, ['upgrade', 'h2c']],
    'te with more than trailers (8.2.2)': [...GOOD, ['te', 'trailers, gzip']],
    'a pseudo-header behind a field (8.3)': [METHOD, SCHEME, PATH, ['a', 'b'], AUTHORITY],
    'a pseudo-header behind one that is left out (8.3)': [METHOD, SCHEME, PATH, ['te', 'trailers'], AUTHORITY],
    'a pseudo-header behind the type (8.3)': [METHOD, SCHEME, PATH, ['content-type', 'application/grpc'], AUTHORITY],
    'an unknown pseudo-header (8.3)': [...GOOD, [':protocol', 'x']],
    'a pseudo-header of answers (8.3)': [...GOOD, [':status', '200']],
    'a pseudo-header twice (8.3)': [...GOOD, PATH],
    'no :method (8.3.1)': [SCHEME, PATH, AUTHORITY],
    'no :scheme (8.3.1)': [METHOD, PATH, AUTHORITY],
    'no :path (8.3.1)': [METHOD, SCHEME, AUTHORITY],
    'no authority for http (8.3.1)': [METHOD, SCHEME, PATH],
    'an empty :path (8.3.1)': [METHOD, SCHEME, [':path', ''], AUTHORITY],
    'a :path with a space (8.3.1)': [METHOD, SCHEME, [':path', '/a.B/ c'], AUTHORITY],
    'an :authority that ends with a space (8.2.1)': [METHOD, SCHEME, PATH, [':authority', 'here ']],
    'a :path without a slash (8.3.1)': [METHOD, SCHEME, [':path', 'a'], AUTHORITY],
    'an empty :method (8.3.1)': [[':method', ''], SCHEME, PATH, AUTHORITY],
    'a :method that is no token (8.3.1)': [[':method', 'PO ST'], SCHEME, PATH, AUTHORITY],
    'an empty :scheme (8.3.1)': [METHOD, [':scheme', ''], PATH, AUTHORITY],
    'CONNECT with a path (8.5)': [[':method', 'CONNECT'], PATH, AUTHORITY],
    'a content-length that is no number (8.1.1)': [...GOOD, ['content-length', '-1']],
    'a second content-length (RFC 9110 8.6)': [...GOOD, ['content-length', '1'], ['content-length', '1']],
    'a second host (RFC 9112 3.2)': [...GOOD, ['host', 'a'], ['host', 'a']],
    nothing: [],
  };
  for (const [name, fields] of Object.entries(malformed)) {
    test(`malformed: ${name}`, () => {
      const reader = new RequestReader(LIMIT);
      for (const _time of [1, 2, 3]) assert.equal(read(fields, reader), 'malformed');
    });
  }

  test('a malformed block resets its stream, and nothing else', async () => {
    const { client, session } = startLeanRig({ handlers: { unary: (call, callback) => callback(null, call.request) } });
    const bad = client.begin([...GOOD, ['connection', 'close']]);
    assert.equal(bad.resetCode, ERROR_CODE.PROTOCOL_ERROR);
    assert.equal((await client.call('/test.Calls/unary', ['a']).ended).status, 0);
    assert.equal(session.size, 0);
    assert.equal(client.failure, null);
  });

  const badTrailers: Record<string, Fields> = {
    'a pseudo-header (8.1)': [[':path', '/']],
    'upper case (8.2.1)': [['A', 'b']],
    'a field of the connection (8.2.2)': [['connection', 'close']],
  };
  for (const [name, fields] of Object.entries(badTrailers)) {
    test(`malformed trailers: ${name}`, () => {
      const { client } = startLeanRig({ handlers: { clientStream: () => undefined } });
      const call = client.begin(requestFields('/test.Calls/clientStream'));
      call.sendTrailers(fields);
      assert.equal(call.resetCode, ERROR_CODE.PROTOCOL_ERROR);
    });
  }

  test('malformed trailers: some that do not end the stream (8.1)', () => {
    const { client } = startLeanRig({ handlers: { clientStream: () => undefined } });
    const call = client.begin(requestFields('/test.Calls/clientStream'));
    call.sendTrailers([['a', 'b']], false);
    assert.equal(call.resetCode, ERROR_CODE.PROTOCOL_ERROR);
  });
});

describe('size', () => {
  test('counts name, value and 32 bytes for each field (RFC 9113 section 6.5.2)', () => {
    const size = GOOD.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    assert.equal(typeof read(GOOD, new RequestReader(size)), 'object');
    assert.equal(read(GOOD, new RequestReader(size - 1)), 'too large');
  });

  test('above the limit is RESOURCE_EXHAUSTED, without a handler', async () => {
    let calls = 0;
    const { client, session } = startLeanRig({ maxMetadataSize: 1000, handlers: { unary: (call, callback) => {
      calls += 1;
      callback(null, call.request);
    } } });
    const call = await client.begin(requestFields('/test.Calls/unary', [['a', 'b'.repeat(1000)]]), true).ended;
    assert.equal(call.status, 8);
    assert.equal(call.details, 'The metadata of the call is larger than 1000 bytes.');
    assert.equal(valueOf(call.headers ?? [], ':status'), '200');
    assert.equal(calls, 0);
    assert.equal(session.size, 0);
    assert.deepEqual(client.violations, []);
  });
});

describe('memory of blocks', () => {
  test('equal blocks give one frozen object, others their own', () => {
    const reader = new RequestReader(LIMIT);
    const seen = [1, 2, 3, 4].map(() => read(GOOD, reader));
    assert.equal(seen[2], seen[3], 'from the third time on');
    assert.ok(Object.isFrozen(seen[3]));
    const other = read([METHOD, SCHEME, [':path', '/a.B/d'], AUTHORITY], reader);
    assert.equal((other as RequestHeaders)[':path'], '/a.B/d');
    assert.equal(Object.getPrototypeOf(Object.getPrototypeOf(seen[0])), null, 'no toString, no __proto__');
  });

  test('thousands of different blocks are each read right, whatever was remembered', () => {
    const reader = new RequestReader(LIMIT);
    for (let round = 0; round < 3; round += 1) {
      for (let index = 0; index < 4000; index += 1) {
        const headers = read([...GOOD, ['a', `value ${index}`], [`name-${index % 1000}`, 'b'], ['__proto__', `${index}`]], reader) as RequestHeaders;
        assert.equal(headers.a, `value ${index}`);
        assert.equal(headers[`name-${index % 1000}`], 'b');
        assert.equal(Object.getOwnPropertyDescriptor(headers, '__proto__')?.value, `${index}`);
      }
    }
  });

  test('a block that refers to a dynamic table ends the connection (RFC 7541 section 2.3.3)', () => {
    const { client } = startLeanRig();
    client.beginBlock(Buffer.from([0xbe]), true);
    assert.equal(client.failure?.code, ERROR_CODE.COMPRESSION_ERROR);
    const reader = new RequestReader(LIMIT);
    assert.throws(() => reader.read(Buffer.from([0x3f, 0xe1, 0x1f]), 0, 3), ConnectionError);
  });
});

/** What grpc-js makes nothing of, and what it only asks for by name. */
const LEFT_OUT = ['te', 'accept-encoding', 'grpc-accept-encoding'];

describe('against node:http2', () => {
  const lists: Record<string, Fields> = {
    'a grpc-js client': requestFields('/a.B/c', [['accept-encoding', 'identity'], ['grpc-accept-encoding', 'identity,deflate,gzip']]),
    'repeated fields': requestFields('/a.B/c', [['a', '1'], ['b', '2'], ['a', '3'], ['a', '']]),
    'repeated binary fields': requestFields('/a.B/c', [['a-bin', 'AAE='], ['a-bin', 'AQ==']]),
    cookies: requestFields('/a.B/c', [['cookie', 'a=1'], ['cookie', 'b=2'], ['cookie', 'c=3']]),
    'set-cookie': requestFields('/a.B/c', [['set-cookie', 'a=1'], ['set-cookie', 'b=2']]),
    'one set-cookie': requestFields('/a.B/c', [['set-cookie', 'a=1']]),
    'fields with one value': requestFields('/a.B/c', [
      'authorization', 'user-agent', 'from', 'age', 'date', 'etag', 'expires', 'referer', 'content-type', 'range', 'location', 'dnt', 'tk',
      'max-forwards', 'retry-after', 'if-match', 'last-modified', 'content-encoding', 'content-md5', 'x-content-type-options',
      'access-control-max-age', 'access-control-allow-credentials', 'access-control-request-method', 'content-language', 'content-location',
      'content-range', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'proxy-authorization', 'upgrade-insecure-requests',
    ].flatMap((name) => [[name, 'first'], [name, 'second']] as const)),
    'fields with several values': requestFields('/a.B/c', ['accept', 'vary', 'via', 'grpc-timeout', 'grpc-encoding', 'x-forwarded-for', 'forwarded']
      .flatMap((name) => [[name, 'first'], [name, 'second']] as const)),
    'host and authority': [...GOOD, ['host', 'there']],
    'host alone': [METHOD, SCHEME, PATH, ['host', 'there']],
    'another type': [...GOOD, ['content-type', 'text/plain'], ['content-type', 'application/grpc']],
    'octets above 127': [...GOOD, ['a', 'é\xff']],
    'names of Object': [...GOOD, ['constructor', 'a'], ['__proto__', 'b'], ['tostring', 'c'], ['hasownproperty', 'd']],
    'a number': [...GOOD, ['content-length', '0']],
  };
  for (const [name, fields] of Object.entries(lists)) {
    test(`the same headers come out: ${name}`, async () => {
      const ours = read(fields) as RequestHeaders;
      const theirs = await throughNode(fields);
      dropUnreadable(theirs);
      const names = Object.keys(theirs).filter((key) => !LEFT_OUT.includes(key) && theirs[key] !== undefined);
      for (const key of names) assert.deepEqual(ours[key], theirs[key], key);
      const metadata = names.filter((key) => key !== 'content-type' || theirs[key] !== 'application/grpc');
      assert.deepEqual(Object.keys(ours), metadata, 'and in the same order');
    });
  }
});

/** What node's http2 server gives for the block, sent as raw frames. */
async function throughNode(fields: Fields): Promise<IncomingHttpHeaders> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const bytes = block(fields);
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = 1;
  head[4] = 5;
  head.writeUInt32BE(1, 5);
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), head, bytes]));
  const [stream, headers] = (await once(server, 'stream')) as [ServerHttp2Stream, IncomingHttpHeaders];
  stream.on('error', () => undefined);
  socket.destroy();
  server.close();
  return headers;
}
