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
/** Connections of probes that are open. */
const PROBES = 16;
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

/** One call over a new connection, which is closed. Resolves to its version and process, or to undefined when it failed. */
export async function callOnce(port, text = AT_ONCE) {
  const client = connect(port);
  try {
    return await call(client, text);
  } finally {
    client.close();
  }
}

/**
 * Calls over new connections until `enough` of the processes that have answered. They stay open for a while: who gives
 * each connection to the process with the fewest would give all to one. Resolves to the processes, or to undefined after
 * `limit` milliseconds.
 */
export async function probeUntil(port, enough, limit) {
  const end = performance.now() + limit;
  const pids = new Set();
  const clients = [];
  try {
    while (performance.now() < end) {
      const client = connect(port);
      clients.push(client);
      if (clients.length > PROBES) clients.shift().close();
      const answer = await call(client, AT_ONCE);
      if (answer !== undefined) pids.add(answer.pid);
      if (enough(pids)) return pids;
      await pause(PROBE_PAUSE);
    }
    return undefined;
  } finally {
    for (const client of clients) client.close();
  }
}

function connect(port) {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
}

function call(client, text) {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { text }, { deadline: Date.now() + PROBE_DEADLINE }, (error, answer) => {
      resolve(error ? undefined : readAnswer(answer));
    });
  });
}
