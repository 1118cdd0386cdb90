// What no gRPC library sends, sent to both transports: they must refuse it in the same way.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FLAG } from '#src/http2/constants.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { RawClient } from '../support/raw-client.js';

type Field = readonly [name: string, value: string];
type Send = (client: RawClient) => unknown;

const PSEUDO = { ':method': 'POST', ':scheme': 'http', ':path': '/probe.v1.Probe/Echo', ':authority': 'test' };
const REGULAR = { 'content-type': 'application/grpc', te: 'trailers' };
const UPLOAD = { ':path': '/probe.v1.Probe/Collect' };

/** The fields of a call: those given replace others of the name, and those that are undefined are left out. */
function fields(changes: Readonly<Record<string, string | undefined>> = {}, ...more: Field[]): Field[] {
  const all = { ...PSEUDO, ...REGULAR, ...changes };
  return [...Object.entries(all).filter((pair: readonly [string, string | undefined]): pair is Field => pair[1] !== undefined), ...more];
}

function message(body: Buffer, flag = 0, length = body.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, body]);
}

/** A field of the test service's message: three bytes. */
const BODY = Buffer.from([10, 3, 97, 98, 99]);

/** A call with that list of fields and one good message. */
const call = (list: readonly Field[], ...data: readonly Buffer[]): Send => (client) => {
  client.headers(1, list);
  client.data(1, Buffer.concat(data.length === 0 ? [message(BODY)] : data), true);
};

const CASES: Readonly<Record<string, Send>> = {
  'a good call': call(fields()),
  'GET': call(fields({ ':method': 'GET' })),
  'HEAD': call(fields({ ':method': 'HEAD' })),
  'OPTIONS': call(fields({ ':method': 'OPTIONS' })),
  'PUT': call(fields({ ':method': 'PUT' })),
  'no content-type': call(fields({ 'content-type': undefined })),
  'another content-type': call(fields({ 'content-type': 'application/json' })),
  'content-type application/grpc+json': call(fields({ 'content-type': 'application/grpc+json' })),
  'content-type application/grpc;x=y': call(fields({ 'content-type': 'application/grpc;x=y' })),
  'content-type application/grpcfoo': call(fields({ 'content-type': 'application/grpcfoo' })),
  'content-type in capitals': call(fields({ 'content-type': 'Application/GRPC' })),
  'content-type twice': call(fields({}, ['content-type', 'application/grpc'])),
  'no te': call(fields({ te: undefined })),
  'te: gzip': call(fields({ te: 'gzip' })),
  'te: Trailers': call(fields({ te: 'Trailers' })),
  'no authority': call(fields({ ':authority': undefined })),
  'host instead of authority': call(fields({ ':authority': undefined }, ['host', 'test'])),
  'host and authority': call(fields({}, ['host', 'other'])),
  'an empty authority': call(fields({ ':authority': '' })),
  'scheme ftp': call(fields({ ':scheme': 'ftp' })),
  'no scheme': call(fields({ ':scheme': undefined })),
  'no path': call(fields({ ':path': undefined })),
  'an empty path': call(fields({ ':path': '' })),
  'path *': call(fields({ ':path': '*' })),
  'path /': call(fields({ ':path': '/' })),
  'a path without a slash in front': call(fields({ ':path': 'probe.v1.Probe/Echo' })),
  'a path with a query': call(fields({ ':path': '/probe.v1.Probe/Echo?x=y' })),
  'a path with percent signs': call(fields({ ':path': '/probe.v1.Probe/%45cho' })),
  'a path in other letters': call(fields({ ':path': '/probe.v1.Probe/ü' })),
  'a path with a space': call(fields({ ':path': '/probe.v1.Probe/ Echo' })),
  'CONNECT': call([[':method', 'CONNECT'], [':authority', 'test'], ['te', 'trailers'], ['content-type', 'application/grpc']]),
  'a pseudo-header twice': call(fields({}).flatMap((field): Field[] => (field[0] === ':path' ? [field, field] : [field]))),
  'an unknown pseudo-header': call([[':protocol', 'x'], ...fields()]),
  ':status in a call': call([[':status', '200'], ...fields()]),
  'a pseudo-header behind others': call([...fields({ ':path': undefined }), [':path', PSEUDO[':path']]]),
  'a name in capitals': call(fields({}, ['X-Name', 'v'])),
  'an empty name': call(fields({}, ['', 'v'])),
  'a name with a space': call(fields({}, ['a b', 'v'])),
  'connection: close': call(fields({}, ['connection', 'close'])),
  'transfer-encoding': call(fields({}, ['transfer-encoding', 'chunked'])),
  'keep-alive': call(fields({}, ['keep-alive', 'x'])),
  'upgrade': call(fields({}, ['upgrade', 'x'])),
  'proxy-connection': call(fields({}, ['proxy-connection', 'x'])),
  'a value with a line break': call(fields({}, ['echo-a', 'x\r\ny'])),
  'a value with a zero': call(fields({}, ['echo-a', 'x\0y'])),
  'a value with a space in front': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['echo-a', ' x'])),
  'a value with a space behind': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['echo-a', 'x '])),
  'a value with a tab within': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['echo-a', 'x\ty'])),
  'an empty value': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['echo-a', ''])),
  'a value beyond ASCII': call(fields({}, ['echo-a', '\xe4'])),
  'binary metadata that is no base64': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['echo-a-bin', '!?'])),
  'binary metadata with padding and without, in one': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['echo-a-bin', 'AA==,AP8K'])),
  'cookies': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['cookie', 'a=b'], ['cookie', 'c=d'])),
  'user-agent twice': call(fields({}, ['user-agent', 'a'], ['user-agent', 'b'])),
  'authorization twice': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['authorization', 'a'], ['authorization', 'b'])),
  'repeated metadata': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['echo-a', 'a'], ['echo-b', 'x'], ['echo-a', 'b'])),
  'names of object properties': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['__proto__', 'a'], ['constructor', 'b'], ['echo-__proto__', 'c'])),
  'reserved metadata': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['grpc-status', '0'], ['grpc-foo', 'x'])),
  'a timeout without a unit': call(fields({}, ['grpc-timeout', '10'])),
  'a timeout in letters': call(fields({}, ['grpc-timeout', 'abc'])),
  'an empty timeout': call(fields({}, ['grpc-timeout', ''])),
  'a negative timeout': call(fields({}, ['grpc-timeout', '-1S'])),
  'a timeout of nine digits': call(fields({}, ['grpc-timeout', '123456789S'])),
  'a timeout of 8 digits of hours': call(fields({}, ['grpc-timeout', '99999999H'])),
  'a timeout twice': call(fields({}, ['grpc-timeout', '10S'], ['grpc-timeout', '20S'])),
  'the length of the content': call(fields({}, ['content-length', '10'])),
  'too small a length of the content': call(fields({}, ['content-length', '5'])),
  'too large a length of the content': call(fields({}, ['content-length', '500'])),
  'a length of the content in letters': call(fields({}, ['content-length', 'x'])),
  'a length of the content twice': call(fields({}, ['content-length', '10'], ['content-length', '10'])),
  'nothing after the headers': (client) => client.headers(1, fields(), true),
  'no message': (client) => client.headers(1, fields()).data(1, Buffer.alloc(0), true),
  'no message to a stream of them': (client) => client.headers(1, fields(UPLOAD), true),
  'two messages to a method that takes one': call(fields(), message(BODY), message(BODY)),
  'a part of a message': call(fields(), message(BODY).subarray(0, 7)),
  'a part of a prefix': call(fields(), message(BODY).subarray(0, 3)),
  'a part of a message to a stream of them': call(fields(UPLOAD), message(BODY), message(BODY).subarray(0, 7)),
  'a message that is no message': call(fields(), message(Buffer.from([10, 200]))),
  'a message that is larger than it may be': call(fields(), message(BODY, 0, 2 ** 24)),
  'a compressed message without an encoding': call(fields(), message(gzipSync(BODY), 1)),
  'a compressed message in identity': call(fields({}, ['grpc-encoding', 'identity']), message(BODY, 1)),
  'an unknown encoding': call(fields({}, ['grpc-encoding', 'snappy']), message(BODY, 1)),
  'an unknown encoding, not used': call(fields({}, ['grpc-encoding', 'snappy'])),
  'gzip that is none': call(fields({}, ['grpc-encoding', 'gzip']), message(BODY, 1)),
  'gzip': call(fields({}, ['grpc-encoding', 'gzip']), message(gzipSync(BODY), 1)),
  'a flag of 2': call(fields(), message(BODY, 2)),
  'trailers': (client) => client.headers(1, fields(UPLOAD)).data(1, message(BODY)).headers(1, [['x', 'y']], true),
  'trailers with a pseudo-header': (client) => client.headers(1, fields(UPLOAD)).data(1, message(BODY)).headers(1, [[':path', '/x']], true),
  'trailers that do not end': (client) => client.headers(1, fields(UPLOAD)).data(1, message(BODY)).headers(1, [['x', 'y']], false),
  'metadata of 20 KiB': call(fields({}, ['echo-a', 'x'.repeat(20_000)])),
  'metadata of 15 KiB': call(fields({ ':path': '/probe.v1.Probe/Reflect' }, ['echo-a', 'x'.repeat(15_000)])),
  '300 fields': call(fields({}, ...Array.from({ length: 300 }, (_, index): Field => [`n${index}`, '']))),
};

const ANSWER: readonly (string | readonly string[])[] = [
  ['headers', ':status: 200', 'content-type: application/grpc+proto', 'grpc-accept-encoding: identity,deflate,gzip', 'grpc-encoding: identity'],
  `data ${message(BODY).toString('hex')}`,
  ['headers and no more', 'grpc-message: OK', 'grpc-status: 0'],
];
const MALFORMED = { lean: ['reset 1'], because: 'RFC 9113 section 8.1.1: such a call is malformed; node:http2 leaves the field out and serves it' };

const STRIPPED = {
  lean: [['headers', ':status: 200', 'content-type: application/grpc+proto', 'echo-a: x', 'grpc-accept-encoding: identity,deflate,gzip', 'grpc-encoding: identity'], 'data 00000000070a036162631000', ANSWER[2]],
  because: 'gRPC lets a server strip white space from metadata; node:http2 leaves the field out',
};

/** Title -> what the lean transport does, where it is not what node:http2 does, and why. */
const DIFFERENT: Readonly<Record<string, { readonly lean: unknown; readonly because: string; readonly when?: 'with some versions of Node' }>> = {
  'HEAD': { lean: ANSWER, because: 'nobody asks so for a call, and grpc-js does not look at the method' },
  'an empty authority': { lean: ANSWER, because: 'a client of a unix socket has none to name' },
  'a path in other letters': {
    lean: [['headers and no more', ':status: 200', 'content-type: application/grpc+proto', 'grpc-message: The%20server%20does%20not%20implement%20the%20method%20/probe.v1.Probe/%C3%BC', 'grpc-status: 12']],
    because: 'grpc-message has to be ASCII',
  },
  'an empty name': MALFORMED,
  'a name with a space': MALFORMED,
  'a value with a line break': MALFORMED,
  'a value with a zero': MALFORMED,
  'a value with a space in front': STRIPPED,
  'a value with a space behind': STRIPPED,
  'metadata of 20 KiB': {
    lean: [['headers and no more', ':status: 200', 'content-type: application/grpc+proto', 'grpc-message: The metadata of the call is larger than 16384 bytes.', 'grpc-status: 8']],
    because: 'node:http2 has no such limit',
  },
  'too small a length of the content': { lean: ['reset 1'], because: 'newer ones of nghttp2 end the connection for it', when: 'with some versions of Node' },
  '300 fields': { lean: ANSWER, because: 'node:http2 takes 128' },
};

const daemons: Daemon[] = [];
before(async () => {
  for (const transport of ['http2', 'lean'] as const) daemons.push(await startDaemon({ config: { transport }, deadline: 120_000 }));
});
after(async () => {
  for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
});

/** What a client hears of its first stream, or of the end of its connection. */
async function answerOf(daemon: Daemon, send: Send): Promise<unknown> {
  using client = await RawClient.connect(daemon.port);
  client.greet();
  send(client);
  await client.next(({ type, id, flags }) => type === 'GOAWAY' || (id === 1 && (type === 'RST_STREAM' || (flags & FLAG.END_STREAM) !== 0)));
  const heard: (string | string[])[] = [];
  for (const { type, id, flags, payload } of client.received) {
    const end = (flags & FLAG.END_STREAM) !== 0 ? ' and no more' : '';
    if (type === 'HEADERS') {
      const list = client.decode(payload).filter(([name]) => name !== 'date').map(([name, value]) => `${name}: ${value}`);
      heard.push([`headers${end}`, ...list.sort()]);
    } else if (type === 'GOAWAY') {
      heard.push(`goaway ${payload.readUInt32BE(4)}`);
    } else if (type === 'RST_STREAM') {
      const code = payload.readUInt32BE(0);
      // After an answer: that the rest of the call is of no use. It depends on how much of that had come.
      if (code !== 0) heard.push(`reset ${code}`);
    } else if (type === 'DATA' && id === 1 && (payload.length > 0 || end !== '')) {
      heard.push(`data ${payload.toString('hex')}${end}`);
    }
  }
  return heard;
}

for (const [title, send] of Object.entries(CASES)) {
  test(title, async () => {
    const [http2, lean] = await Promise.all(daemons.map((daemon) => daemon.until(answerOf(daemon, send), 'the answer')));
    const different = DIFFERENT[title];
    assert.deepEqual(lean, different === undefined ? http2 : different.lean, different?.because ?? 'both transports answer the same');
    if (different !== undefined && different.when === undefined) assert.notDeepEqual(http2, lean, 'they are the same by now');
  });
}
