// The server of bench/support/stalling-client.js: bare grpc-js, with calls of all kinds.
import { readFileSync } from 'node:fs';
import { clearInterval, setInterval } from 'node:timers';
import { Server, ServerCredentials } from '@grpc/grpc-js';

const LARGE = Buffer.alloc(300_000);
const same = (bytes) => bytes;
const method = (name, requestStream, responseStream) => ({
  path: `/stalling/${name}`, requestStream, responseStream,
  requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
});

const [port, tls] = process.argv.slice(2);
const server = new Server();
server.addService(
  {
    unary: method('unary', false, false),
    large: method('large', false, false),
    download: method('download', false, true),
    upload: method('upload', true, false),
    lockstep: method('lockstep', true, true),
  },
  {
    unary: ({ request }, callback) => callback(null, request),
    large: (call, callback) => callback(null, LARGE),
    download(call) {
      let left = 20;
      const timer = setInterval(() => {
        call.write(call.request);
        left -= 1;
        if (left > 0) return;
        clearInterval(timer);
        call.end();
      }, 10);
    },
    upload(call, callback) {
      call.resume();
      call.on('end', () => callback(null, Buffer.alloc(8)));
    },
    lockstep(call) {
      call.on('data', (bytes) => call.write(bytes));
      call.on('end', () => call.end());
    },
  },
);
const pair = () => [{ private_key: readFileSync(`${tls}/server.key`), cert_chain: readFileSync(`${tls}/server.crt`) }];
server.bindAsync(`127.0.0.1:${port}`, tls === undefined ? ServerCredentials.createInsecure() : ServerCredentials.createSsl(null, pair()), (error, bound) => {
  if (error) throw error;
  process.send(bound);
});
process.on('disconnect', () => process.exit());
