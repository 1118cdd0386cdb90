// node:http2 and nothing above it: every unary call gets the same ready-made answer. PORT, and BENCH_BLOCK as the others.
import { createServer } from 'node:http2';

const [port] = process.argv.slice(2);
const block = Number(process.env.BENCH_BLOCK ?? 0);
const lock = new Int32Array(new SharedArrayBuffer(4));
const LONG = Buffer.from('long');
const HEADERS = { ':status': 200, 'content-type': 'application/grpc+proto' };
const TRAILERS = { 'grpc-status': '0' };

/** A message of one field, number 1, in its envelope. */
function envelope(tag, ...parts) {
  const body = Buffer.concat([Buffer.from([tag]), ...parts]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

function varint(value) {
  const octets = [];
  let left = value;
  for (; left >= 128; left >>>= 7) octets.push((left & 127) | 128);
  return Buffer.from([...octets, left]);
}

/** The numbers of an Order. */
function numbers(message) {
  const found = [];
  for (let at = 5; at < message.length; at += 1) {
    let value = 0;
    at += 1;
    for (let shift = 0; ; at += 1, shift += 7) {
      value |= (message[at] & 127) << shift;
      if (message[at] < 128) break;
    }
    found.push(value);
  }
  return found;
}

const text = block > 0 ? 'done' : 'Hello world';
const ANSWER = envelope(10, Buffer.from([text.length]), Buffer.from(text));

const METHODS = {
  '/bench.Bench/Callback'(stream, body) {
    if (block > 0) Atomics.wait(lock, 0, 0, body.includes(LONG) ? block * 50 : block);
    stream.end(ANSWER);
  },
  '/bench.Bench/Download'(stream, body) {
    const [chunks, size] = numbers(body);
    const chunk = envelope(10, varint(size), Buffer.alloc(size, 7));
    let sent = 0;
    const more = () => {
      while (sent < chunks) {
        sent += 1;
        if (!stream.write(chunk)) return stream.once('drain', more);
      }
      return stream.end();
    };
    more();
  },
};

const server = createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => undefined);
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(TRAILERS));
  const serve = METHODS[headers[':path']];
  const parts = [];
  let bytes = 0;
  let message = 0;
  stream.on('data', (chunk) => {
    // Messages of an upload are equal, so the first one's length is enough to count them.
    if (bytes === 0) message = chunk.readUInt32BE(1) + 5;
    bytes += chunk.length;
    if (serve !== undefined) parts.push(chunk);
  });
  stream.on('end', () => {
    if (serve !== undefined) serve(stream, parts.length === 1 ? parts[0] : Buffer.concat(parts));
    else stream.end(envelope(8, varint(bytes / message)));
  });
});
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit()).resume();
