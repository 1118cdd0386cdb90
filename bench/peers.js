// grpcserverd beside what people use today, in one run: each question one table and one plot. What happens to calls when
// something is replaced or breaks is asked by disturb.js.
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { PEERS } from './support/peers/list.js';
import { sweep } from './support/peers/processes.js';
import { Report } from './support/peers/report.js';
import { ask as connections } from './support/questions/connections.js';
import { ask as cpu } from './support/questions/cpu.js';
import { ask as firstAnswer } from './support/questions/first-answer.js';
import { ask as idleConnections } from './support/questions/idle-connections.js';
import { ask as oneConnection } from './support/questions/one-connection.js';
import { ask as streams } from './support/questions/streams.js';
import { ask as tail } from './support/questions/tail.js';

const QUESTIONS = { 'one connection': oneConnection, tail, cpu, connections, streams, 'idle connections': idleConnections, 'first answer': firstAnswer };

/** @param options `quick`: few calls, for correctness; `out`: the folder of peers.md and its plots */
export async function run({ quick: isQuick, out }) {
  const report = new Report('peers');
  try {
    report.say('# Beside what people use today\n');
    report.say(`${availableParallelism()} cores (${cpus()[0].model}), Node ${process.version}, Linux ${release()}; ${isQuick ? 'a quick run, whose figures mean nothing; ' : ''}`
      + `load of the machine before: ${loadavg()[0].toFixed(1)}. Medians (smallest-largest).`);
    const peers = [];
    for (const peer of PEERS) {
      const why = await peer.prepare({ isQuick });
      if (why === null) peers.push(peer);
      else report.say(`Not compared: ${peer.name} (${why}).`);
    }
    for (const [name, ask] of Object.entries(QUESTIONS)) {
      await ask({ peers, isQuick, report, cores: availableParallelism() }).catch((error) => report.fail(name, 'the whole question', error));
      // Whatever becomes of the next.
      report.write(out);
    }
    console.log(`\nwritten to ${out}`);
  } finally {
    sweep();
  }
}
