// Makes unary calls through a session and grpc-js's Server in this process: `bare` or `guarded` handlers, or guarded
// ones with an access log of `errors`, `all` or `sampled`; calls whose headers are the `same` or `changing` in two
// fields. Gets a number of calls, answers with the CPU time of one in us.
// With a number as third argument it makes so many calls at once and prints the time, for profiles.
import { openSync } from 'node:fs';
import grpc from '@grpc/grpc-js';
import { BlockWriter } from '../../dist/http2/hpack/encoder.js';
import { createLogger } from '../../dist/shared/logger.js';
import { AccessLog } from '../../dist/worker/calls/access-log.js';
import { CallRegistry } from '../../dist/worker/calls/call-registry.js';
import { guardHandler } from '../../dist/worker/calls/guard.js';
import { createLeanServer } from '../../dist/worker/transport/lean/adapter.js';
import { AnswerEncoder } from '../../dist/worker/transport/lean/answer-headers.js';
import { RequestReader } from '../../dist/worker/transport/lean/request-headers.js';
import { Session } from '../../dist/worker/transport/lean/session.js';
import { Bench } from './servicer.js';

const [handlers, headers, once] = process.argv.slice(2);
const AT_ONCE = 64;

const server = new grpc.Server();
const { Callback } = Bench.service;
const answer = (call, callback) => callback(null, { text: `Hello ${call.request.text}` });
const handler = handlers === 'bare' ? answer : guardHandler('unary', answer);
server.register(Callback.path, handler, Callback.responseSerialize, Callback.requestDeserialize, 'unary');
const ACCESS = { errors: { access: 'errors', accessSample: 1 }, all: { access: 'all', accessSample: 1 }, sampled: { access: 'all', accessSample: 100 } };
const { emit } = createLogger({ level: 'info', format: 'json', fd: openSync('/dev/null', 'w'), identity: { role: 'worker', slot: 0, generation: 1 } });
const log = handlers in ACCESS ? AccessLog.create(ACCESS[handlers], emit) : null;
const registry = new CallRegistry({ report: console.error, countsBytes: log !== null, onCallEnded: (call, code, ms) => log?.note(call, code, ms) });

let answered = 0;
let chunkDone = () => undefined;
const owner = {
  headers(_id, _buffer, _start, _end, endStream) {
    if (!endStream) return;
    answered += 1;
    if (answered % AT_ONCE === 0) chunkDone();
  },
  data(_id, _buffer, start, end) {
    sent += end - start;
    if (sent < 16_384) return;
    const bytes = sent;
    sent = 0;
    setImmediate(() => session.credit(bytes));
  },
  reset: console.error,
  windowUpdate() {},
  took() {},
  fail: console.error,
};
let sent = 0;
const session = new Session({
  owner,
  peer: { remoteAddress: '127.0.0.1', remotePort: 1, localAddress: '127.0.0.1', localPort: 2, certificate: null },
  open: createLeanServer(server, handlers === 'bare' ? [] : [registry.accounting]),
  requests: new RequestReader(16_384),
  answers: new AnswerEncoder(),
});

const writer = new BlockWriter();
let counter = 0;
function block() {
  writer.add(':method', 'POST');
  writer.add(':scheme', 'http');
  writer.add(':path', Callback.path);
  writer.add(':authority', 'localhost:50051');
  writer.add('te', 'trailers');
  writer.add('content-type', 'application/grpc');
  writer.add('user-agent', 'grpc-node-js/1.14.7');
  writer.add('accept-encoding', 'identity');
  writer.add('grpc-accept-encoding', 'identity,deflate,gzip');
  if (headers === 'changing') {
    counter += 1;
    writer.add('grpc-timeout', `${10_000_000 + (counter % 1_000_000)}u`);
    writer.add('traceparent', `00-${counter.toString(16).padStart(32, '0')}-b7ad6b7169203331-01`);
  }
  return writer.take();
}

const message = Callback.requestSerialize({ text: 'world' });
const prefix = Buffer.from([0, 0, 0, 0, message.length]);

/** What a socket gives at once: headers and messages of some calls, in one buffer. The same one many times over. */
function chunk() {
  const bytes = Buffer.allocUnsafeSlow(65_536);
  const places = [];
  let at = 0;
  for (let call = 0; call < AT_ONCE; call += 1) {
    const fields = block();
    const start = at;
    at += fields.copy(bytes, at);
    const middle = at;
    at += prefix.copy(bytes, at);
    at += message.copy(bytes, at);
    places.push([start, middle, at]);
  }
  return { bytes, places };
}

const chunks = Array.from({ length: 256 }, chunk);
let id = -1;

async function make(calls) {
  const begin = process.cpuUsage();
  for (let made = 0; made < calls; made += AT_ONCE) {
    const { bytes, places } = chunks[(made / AT_ONCE) % chunks.length];
    const done = new Promise((resolve) => (chunkDone = resolve));
    for (const [start, middle, end] of places) {
      id += 2;
      session.headers(id, bytes, start, middle, false);
      session.data(id, bytes, middle, end, true);
    }
    await done;
    // The next chunk comes in a turn of its own, as from a socket.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / calls;
}

if (once === undefined) process.on('message', async (calls) => process.send(await make(calls)));
else {
  await make(100_000);
  console.log(`${(await make(Number(once))).toFixed(2)} us`);
}
