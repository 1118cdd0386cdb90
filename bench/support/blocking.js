// Handlers that keep their event loop without taking CPU, as one that computes does, but so that a machine with few
// cores can run many of them side by side: each call takes `block` milliseconds, one whose text is LONG fifty times that.
import { LONG } from './long-call.js';
import { Bench } from './servicer.js';

const TIMES = 50;

export function serveBlocking(server, block) {
  const lock = new Int32Array(new SharedArrayBuffer(4));
  const { path, responseSerialize, requestDeserialize } = Bench.service.Callback;
  server.register(path, ({ request: { text } }, callback) => {
    Atomics.wait(lock, 0, 0, text === LONG ? block * TIMES : block);
    callback(null, { text: 'done' });
  }, responseSerialize, requestDeserialize, 'unary');
}
