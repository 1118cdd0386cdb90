// Calls a second and how long they take, over few and many connections.
import { spread } from '../figures.js';
import { cell, counted, inRounds, ratios, withPeers } from '../peers/round.js';
import { load } from '../peers/loader.js';
import { barChart } from '../plot.js';

const REFERENCE = 'grpc-js';
const IN_FLIGHT = 64;

export async function ask(bench) {
  const { report, isQuick, cores, peers } = bench;
  const [rounds, ms, warmUp] = isQuick ? [1, 200, 0] : [3, 1000, 3000];
  report.say('\n## Few connections and many\n');
  report.say(`Small unary calls, ${IN_FLIGHT} in flight in all, over 1, 8 and 64 connections; ${cores} workers. Calls a second, to those of grpc-js in the same round, `
    + `and milliseconds; ${counted(rounds, 'round')} of ${ms / 1000} s. The client needs a core of its own and shares ${cores} with the server, so it is a part of every figure.`);
  const rate = ({ calls, ms: took }) => (calls / took) * 1000;
  const runs = await withPeers(bench, 'connections', peers, { workers: cores }, async (servers) => {
    if (warmUp > 0) await inRounds(bench, 'connections', 1, servers, (server) => load(server, { kind: 'closed', connections: 8, streams: 8, ms: warmUp }));
    const all = [];
    for (const connections of [1, 8, 64]) {
      const order = { kind: 'closed', connections, streams: IN_FLIGHT / connections, ms };
      all.push([connections, await inRounds(bench, 'connections', rounds, servers, (server) => load(server, order))]);
    }
    return all;
  });
  for (const [connections, results] of runs) {
    report.say(`\n${counted(connections, 'connection')}:`);
    const of = (name, figure) => (results.get(name) ?? []).map(figure);
    report.table(
      ['', 'calls a second', 'to grpc-js', 'p50, ms', 'p99, ms'],
      peers.map(({ name }) => [
        name, cell(of(name, rate), 0), cell(ratios(results, name, REFERENCE, rate), 2), cell(of(name, ({ p50 }) => p50), 2), cell(of(name, ({ p99 }) => p99), 2),
      ]),
    );
  }
  const rows = peers.flatMap(({ name }) => runs.flatMap(([connections, results]) => {
    const values = ratios(results, name, REFERENCE, rate);
    return values.length === 0 || connections === 8 ? [] : [{ name: `${name}: ${connections}`, ...spread(values) }];
  }));
  report.plot('connections', 'calls a second over connections', barChart({
    title: 'Calls a second over 1 and 64 connections', unit: 'times those of grpc-js', rows,
  }));
}
