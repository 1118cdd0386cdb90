// The handlers that every server here runs, in the daemon and without it.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export const { Bench } = loadPackageDefinition(loadSync(fileURLToPath(new URL('bench.proto', import.meta.url)))).bench;

const later = async (value) => value;

export function grpcHook(server) {
  let answered = 0;
  server.addService(Bench.service, {
    callback(call, callback) {
      answered += 1;
      callback(null, { text: `Hello ${call.request.text}` });
    },

    async async(call, callback) {
      const name = await later(call.request.text);
      const text = await later(`Hello ${name}`);
      answered += 1;
      callback(null, await later({ text }));
    },

    echo(call, callback) {
      answered += 1;
      callback(null, call.request);
    },

    async download(call) {
      const { chunks, size } = call.request;
      const data = Buffer.alloc(size, 7);
      for (let sent = 0; sent < chunks && !call.cancelled; sent += 1) {
        if (!call.write({ data })) await once(call, 'drain');
      }
      call.end();
    },

    upload(call, callback) {
      let chunks = 0;
      call.on('data', () => (chunks += 1));
      call.on('end', () => callback(null, { answered: chunks }));
    },

    count(_call, callback) {
      callback(null, { answered });
    },
  });
}
