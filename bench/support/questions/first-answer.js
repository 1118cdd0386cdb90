// How long a start takes, until the first call is answered.
import { spread } from '../figures.js';
import { cell, counted, inRounds, ratios, startPeer } from '../peers/round.js';
import { barChart } from '../plot.js';

const REFERENCE = 'grpc-js';

export async function ask(bench) {
  const { report, isQuick, cores, peers } = bench;
  const rounds = isQuick ? 1 : 5;
  report.say('\n## How soon is the first call answered?\n');
  report.say(`Milliseconds from the command that starts it (PM2's daemon included), ${cores} workers, with a client that tries to connect from the beginning; ${counted(rounds, 'start')} each.`);
  const results = await inRounds(bench, 'first answer', rounds, peers, async (peer) => {
    const { answered, stop } = await startPeer(peer, { workers: cores });
    await stop();
    return answered;
  });
  report.table(
    ['', 'ms', 'to grpc-js'],
    peers.map(({ name }) => [name, cell(results.get(name) ?? [], 0), cell(ratios(results, name, REFERENCE, (ms) => ms), 2)]),
  );
  report.plot('first-answer', 'time to the first answer', barChart({
    title: 'From the start to the first answer', unit: 'milliseconds', rows: [...results].map(([name, values]) => ({ name, ...spread(values) })),
  }));
}
