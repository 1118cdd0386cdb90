// How many small unary calls a second of CPU is good for.
import { load } from '../peers/loader.js';
import { barChart } from '../plot.js';
import { spread } from '../figures.js';
import { cell, counted, inRounds, ratios, withPeers } from '../peers/round.js';

const REFERENCE = 'grpc-js';
const perSecond = ({ calls, cpu }) => (calls / cpu) * 1e6;

export async function ask(bench) {
  const { report, isQuick, cores, peers } = bench;
  const [rounds, ms, warmUp] = isQuick ? [1, 300, 0] : [5, 1500, 3000];
  report.say('\n## What does a small call cost?\n');
  report.say(`Unary calls of 7 bytes, answers of 13; 4 connections with 16 calls in flight each. Calls for each second of CPU, user and system, `
    + `of all processes that serve (primary, router and proxy too), and how many times those of grpc-js in the same round; ${counted(rounds, 'round')} of ${ms / 1000} s.`);
  const runs = [];
  for (const workers of cores > 1 ? [1, cores] : [1]) {
    const asked = peers.filter(({ isSingle, name }) => workers === 1 || !isSingle || name === REFERENCE);
    const order = { kind: 'closed', connections: 4, streams: 16 };
    runs.push([workers, await withPeers(bench, 'cpu', asked, { workers }, async (servers) => {
      if (warmUp > 0) await inRounds(bench, 'cpu', 1, servers, (server) => load(server, { ...order, ms: warmUp }));
      return inRounds(bench, 'cpu', rounds, servers, (server) => load(server, { ...order, ms }));
    })]);
  }
  const figures = (results, name) => [cell((results.get(name) ?? []).map(perSecond), 0), cell(ratios(results, name, REFERENCE, perSecond), 2)];
  report.table(
    ['', ...runs.flatMap(([workers]) => [`calls per CPU-second, ${counted(workers, 'worker')}`, 'to grpc-js'])],
    peers.map(({ name }) => [name, ...runs.flatMap(([, results]) => figures(results, name))]),
  );
  const client = [...runs[0][1].values()].flat().map(({ clientUs, calls }) => clientUs / calls);
  report.say(`The client, a process of its own that writes ready-made frames, takes ${cell(client, 1)} us of CPU for a call.`);
  const [workers, results] = runs[0];
  report.plot('cpu', 'calls per CPU-second', barChart({
    title: `Small calls per second of CPU, ${counted(workers, 'worker')}`,
    unit: 'times those of grpc-js alone',
    rows: peers.map(({ name }) => [name, ratios(results, name, REFERENCE, perSecond)]).filter(([, values]) => values.length > 0).map(([name, values]) => ({ name, ...spread(values) })),
  }));
}
