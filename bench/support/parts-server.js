// grpc-js with the parts of a worker up to the one that is named: PORT PART
import { createServer } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { resolveConfig } from '../../dist/config/resolve.js';
import { callContext } from '../../dist/worker/calls/call-context.js';
import { assembleInterceptors } from '../../dist/worker/calls/assemble-interceptors.js';
import { CallLimit } from '../../dist/worker/calls/call-limit.js';
import { CallRegistry } from '../../dist/worker/calls/call-registry.js';
import { guardHandler } from '../../dist/worker/calls/guard.js';
import { createSignature } from '../../dist/worker/calls/signature.js';
import { channelOptions } from '../../dist/worker/channel-options.js';
import { Http2Transport } from '../../dist/worker/transport/http2-transport.js';
import { PARTS, SIGNATURE } from './parts.js';
import { grpcHook } from './servicer.js';

const MANY = 10_000;
const [, part] = process.argv.slice(2);
const has = (name) => PARTS.indexOf(part) >= PARTS.indexOf(name);

const { config } = resolveConfig({ file: null, env: {}, flags: { servicers: ['./servicer.js'] }, cwd: process.cwd() });
const server = new Server(has('+ options, injector') ? channelOptions(config) : {});
if (has('+ guard')) {
  const register = server.register.bind(server);
  server.register = (path, handler, toBytes, fromBytes, type) => register(path, guardHandler(type, handler), toBytes, fromBytes, type);
}
if (!has('+ AsyncLocalStorage')) callContext.run = (_call, deliver, ...args) => deliver(...args);
grpcHook(server);

if (has('+ options, injector')) {
  const transport = new Http2Transport(server, has('+ accounting') ? interceptors() : []);
  const listener = createServer({ noDelay: true }, (socket) => transport.accept(socket));
  listener.listen(0, '127.0.0.1', () => process.send({ port: listener.address().port }));
} else {
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.send({ port });
  });
}
process.on('disconnect', () => process.exit());

function interceptors() {
  return assembleInterceptors({
    accounting: new CallRegistry({ report: ({ error }) => console.error(error) }).accounting,
    limit: has('+ call limit') ? new CallLimit(MANY).interceptor : null,
    signature: has('+ signature') ? signature() : null,
    user: [],
  });
}

function signature() {
  const signatureData = Object.fromEntries(Object.entries(SIGNATURE).map(([name, value]) => [name, { values: [value] }]));
  return createSignature({ signature: true, authentication: 'ssl', signatureData, signatureExempt: ['bench.Bench/Count'] });
}
