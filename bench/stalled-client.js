// Whether a client of grpc-js stands still for ever: over TLS, on a machine with too much to do, and with no daemon anywhere, for
// client and server are both bare grpc-js. In each round the server is killed and started anew. What was in flight has then to end;
// with a session of node:http2 that stands still it does not, nor does any call after it. Says how often that came, without a goal.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { printTable } from './support/figures.js';

const CLIENT = fileURLToPath(new URL('support/stalling-client.js', import.meta.url));
const BIN = fileURLToPath(new URL('../bin/grpcserverd.js', import.meta.url));
const CLIENTS = 20;
const ROUNDS = 6;
/** Processes that do nothing but take time from the clients, and for how long at the most, in seconds. */
const BUSY = 16;
const MOST_BUSY = 180;
const KEEPALIVE = { 'grpc.keepalive_time_ms': 3000, 'grpc.keepalive_timeout_ms': 1500 };

export async function run() {
  const folder = mkdtempSync(join(tmpdir(), 'grpcserverd-stalled-'));
  try {
    await promisify(execFile)(process.execPath, [BIN, 'certs', folder]);
    const rows = [];
    for (const [kind, order] of Object.entries({
      'without TLS': {},
      'TLS': { tls: folder },
      'TLS, and keepalive': { tls: folder, options: KEEPALIVE },
    })) {
      const results = await besideOthers(() => Promise.all(Array.from({ length: CLIENTS }, () => outcomeOf({ rounds: ROUNDS, ...order }))));
      const stalled = results.filter(({ stalled: count }) => count > 0).length;
      rows.push([kind, `${stalled} of ${CLIENTS}`, results.reduce((sum, { calls }) => sum + calls, 0)]);
    }
    console.log(`${CLIENTS} clients at a time, each with a bare server that is killed ${ROUNDS} times, beside ${BUSY} busy processes`);
    printTable(['', 'clients that stood still', 'calls'], rows);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function besideOthers(action) {
  const spin = `const end = Date.now() + ${MOST_BUSY * 1000}; while (Date.now() < end);`;
  const busy = Array.from({ length: BUSY }, () => execFile(process.execPath, ['-e', spin], () => undefined));
  try {
    return await action();
  } finally {
    for (const process of busy) process.kill();
  }
}

async function outcomeOf(order) {
  const client = fork(CLIENT, [JSON.stringify(order)]);
  const gone = once(client, 'exit').then(([code]) => {
    throw new Error(`a client ended with ${code} and said nothing`);
  });
  const [outcome] = await Promise.race([once(client, 'message'), gone]);
  await gone.catch(() => undefined);
  return outcome;
}
