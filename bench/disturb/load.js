// The process of the clients, and single calls beside them.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import { Bench } from '../support/servicer.js';
import { AT_ONCE, readAnswer } from './handlers.js';

const PROGRAM = fileURLToPath(new URL('clients.js', import.meta.url));
/** In milliseconds. */
const PROBE_DEADLINE = 2000;
const PROBE_PAUSE = 20;
const { path, requestSerialize, responseDeserialize } = Bench.service.Callback;

/** Keeps calls in flight on that many channels. `take` resolves to what happened since it was asked last. */
export function startLoad(port, { channels, inFlight, deadline }) {
  const child = fork(PROGRAM, [port, channels, inFlight, deadline].map(String));
  return {
    async take() {
      const told = once(child, 'message');
      child.send('take');
      const [seen] = await told;
      return { ...seen, failures: Object.values(seen.failed).reduce((sum, calls) => sum + calls, 0) };
    },
    async stop() {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** One call over a new connection. Resolves to its version and process, or to undefined when it failed. */
export function callOnce(port, text = AT_ONCE) {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { text }, { deadline: Date.now() + PROBE_DEADLINE }, (error, answer) => {
      client.close();
      resolve(error ? undefined : readAnswer(answer));
    });
  });
}

/** Calls over new connections until `enough` of the processes that have answered. Resolves to them, or to undefined after `limit` milliseconds. */
export async function probeUntil(port, enough, limit) {
  const end = performance.now() + limit;
  const pids = new Set();
  while (performance.now() < end) {
    const answer = await callOnce(port);
    if (answer !== undefined) pids.add(answer.pid);
    if (enough(pids)) return pids;
    await pause(PROBE_PAUSE);
  }
  return undefined;
}
