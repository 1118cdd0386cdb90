// The handlers that every server here runs, in the daemon and without it.
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

    count(_call, callback) {
      callback(null, { answered });
    },
  });
}
