// What a well-behaved client feels of one that floods the same worker: the time of its calls, before and meanwhile.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { judge, printTable } from './support/figures.js';
import { startDaemon } from './support/servers.js';
import { Bench } from './support/servicer.js';

const ATTACKER = fileURLToPath(new URL('support/attacker.js', import.meta.url));
const KINDS = ['resets', 'pings', 'settings', 'window-updates', 'unknown-methods'];
const MODES = {
  'lean, connection': { transport: 'lean' },
  'lean, rpc': { transport: 'lean', balance: 'rpc' },
};
/** Of each look, and between two calls: milliseconds. */
const LOOK = 4000;
const PACE = 5;
/** A client that was sent away comes again after this long, as gRPC's own do. */
const PAUSE = 1000;
const GOAL = 2;

export async function run() {
  for (const [mode, config] of Object.entries(MODES)) {
    const server = await startDaemon(config);
    const client = new Bench(`127.0.0.1:${server.port}`, credentials.createInsecure());
    try {
      await look(client);
      const rows = [];
      for (const kind of KINDS) {
        const before = await look(client);
        const attacker = fork(ATTACKER, [String(server.port), kind, String(PAUSE)]);
        const meanwhile = await look(client);
        attacker.kill('SIGKILL');
        await once(attacker, 'exit');
        rows.push([kind, before.median.toFixed(2), before.p99.toFixed(2), meanwhile.median.toFixed(2), meanwhile.p99.toFixed(2), meanwhile.failed]);
        judge(`p99 of the neighbour, ${kind}, ${mode}, times that without`, meanwhile.p99 / before.p99, GOAL, '');
      }
      console.log(`\na neighbour's calls, milliseconds (${mode})`);
      printTable(['flood of', 'median before', 'p99 before', 'median', 'p99', 'failed'], rows);
    } finally {
      client.close();
      await server.stop();
    }
  }
}

/** One call after the other, at a pace that leaves the worker idle. */
async function look(client) {
  const times = [];
  let failed = 0;
  for (const end = performance.now() + LOOK; performance.now() < end; ) {
    const start = performance.now();
    const error = await new Promise((resolve) => client.echo({}, resolve));
    if (error === null) times.push(performance.now() - start);
    else failed += 1;
    await delay(PACE);
  }
  times.sort((a, b) => a - b);
  return { median: times[Math.floor(times.length / 2)], p99: times[Math.floor(times.length * 0.99)], failed };
}
