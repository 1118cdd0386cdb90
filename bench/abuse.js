// What a well-behaved client feels of one that floods its server: the time of its calls while nobody floods, while another
// daemon on the machine is flooded (what the flood costs everybody who shares these cores), and while its own is.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { formatSpread, judge, printTable, spread } from './support/figures.js';
import { startDaemon } from './support/servers.js';
import { Bench } from './support/servicer.js';

const ATTACKER = fileURLToPath(new URL('support/attacker.js', import.meta.url));
const KINDS = ['resets', 'pings', 'settings', 'window-updates', 'unknown-methods'];
const MODES = {
  'lean, connection': { transport: 'lean', balance: 'connection' },
  'lean, rpc': { transport: 'lean', balance: 'rpc' },
};
const ROUNDS = 3;
/** Of each look, and between two calls: milliseconds. */
const LOOK = 2500;
const PACE = 5;
/** A client that was sent away comes again after this long, as gRPC's own do. */
const PAUSE = 1000;
const GOAL = 2;

export async function run() {
  for (const [mode, config] of Object.entries(MODES)) {
    const [server, other] = [await startDaemon(config), await startDaemon(config)];
    const client = new Bench(`127.0.0.1:${server.port}`, credentials.createInsecure());
    try {
      await look(client);
      const rows = [];
      for (const kind of KINDS) {
        const rounds = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          rounds.push([await look(client), await whileFlooded(other, kind, client), await whileFlooded(server, kind, client)]);
        }
        const p99s = (index) => rounds.map((looks) => looks[index].p99);
        const failed = rounds.reduce((sum, [, , flooded]) => sum + flooded.failed, 0);
        rows.push([kind, ...[0, 1, 2].map((index) => formatSpread(p99s(index), 2)), failed]);
        const times = p99s(2).map((p99, round) => p99 / p99s(1)[round]);
        judge(`p99 of the neighbour, ${kind}, ${mode}, times that beside another daemon that is flooded`, spread(times).median, GOAL, '');
      }
      console.log(`\np99 of a neighbour's calls, milliseconds (${mode}): medians (smallest-largest) of ${ROUNDS} looks`);
      printTable(['flood of', 'nobody', 'another daemon', 'its own', 'failed'], rows);
    } finally {
      client.close();
      await server.stop();
      await other.stop();
    }
  }
}

async function whileFlooded(server, kind, client) {
  const attacker = fork(ATTACKER, [String(server.port), kind, String(PAUSE)]);
  try {
    return await look(client);
  } finally {
    const gone = once(attacker, 'exit');
    attacker.kill('SIGKILL');
    await gone;
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
  return { p99: times[Math.floor(times.length * 0.99)], failed };
}
