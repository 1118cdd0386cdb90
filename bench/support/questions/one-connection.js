// Whether more workers do more of the work of one client, which has one connection.
import { spread } from '../figures.js';
import { cell, counted, inRounds, withPeers } from '../peers/round.js';
import { load } from '../peers/loader.js';
import { lineChart } from '../plot.js';

/** Milliseconds that a handler keeps its worker. */
const BLOCK = 4;

export async function ask(bench) {
  const { report, isQuick, peers } = bench;
  const [rounds, ms, sizes] = isQuick ? [1, 200, [1, 2]] : [3, 1000, [1, 2, 4, 8]];
  report.say('\n## One busy client: do more workers help it?\n');
  report.say(`One connection, 64 calls in flight, handlers that keep their worker ${BLOCK} ms without CPU (Atomics.wait, time.sleep). `
    + `Calls a second, and how many times those of one worker; ${counted(rounds, 'round')} of ${ms / 1000} s.`);
  const rate = ({ calls, ms: took }) => (calls / took) * 1000;
  const runs = [];
  for (const workers of sizes) {
    const asked = peers.filter(({ isSingle }) => workers === 1 || !isSingle);
    runs.push([workers, await withPeers(bench, 'one connection', asked, { workers, block: BLOCK }, (servers) =>
      inRounds(bench, 'one connection', rounds, servers, (server) => load(server, { kind: 'closed', connections: 1, streams: 64, ms })))]);
  }
  const [[, alone]] = runs;
  const growth = (results, name) => {
    const first = alone.get(name);
    return first === undefined ? [] : (results.get(name) ?? []).map((result, round) => rate(result) / rate(first[round]));
  };
  report.table(
    ['workers', ...sizes, ...sizes.slice(1).map((workers) => `${workers} to 1`)],
    peers.map(({ name }) => [
      name,
      ...runs.map(([, results]) => cell((results.get(name) ?? []).map(rate), 0)),
      ...runs.slice(1).map(([, results]) => cell(growth(results, name), 2)),
    ]),
  );
  report.say('In Python\'s thread pool the workers are threads: they sleep side by side, and would compute one after the other. '
    + 'Go gives each call a goroutine and has no worker to keep: GOMAXPROCS, which the workers are there, does not matter to calls that sleep.');
  const series = [...peers].reverse().map(({ name }) => ({
    name,
    points: runs.map(([workers, results]) => [workers, growth(results, name)]).filter(([, values]) => values.length > 0).map(([workers, values]) => [workers, spread(values).median]),
  }));
  report.plot('one-connection', 'calls of one connection', lineChart({
    title: 'Calls a second of one connection, handlers that block', x: 'workers', y: 'times one worker', series: series.filter(({ points }) => points.length > 1),
  }));
}
