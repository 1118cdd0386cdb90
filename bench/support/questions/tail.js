// How long short calls wait behind long ones.
import { spread } from '../figures.js';
import { cell, counted, inRounds, ratios, withPeers } from '../peers/round.js';
import { load } from '../peers/loader.js';
import { barChart } from '../plot.js';

const REFERENCE = 'node:cluster + grpc-js';
const BLOCK = 4;
const WORKERS = 4;
const CLIENTS = 8;
/** Calls a second of all clients. */
const RATE = 200;

export async function ask(bench) {
  const { report, isQuick, peers } = bench;
  const [rounds, ms] = isQuick ? [1, 500] : [3, 6000];
  report.say('\n## Do short calls wait behind long ones?\n');
  report.say(`${CLIENTS} clients with a connection each, ${RATE} calls a second in all that come at random (Poisson), ${WORKERS} workers. One call in a hundred keeps its worker `
    + `${BLOCK * 50} ms, the others ${BLOCK}: milliseconds until these are answered, and p99 to that of node:cluster in the same round; ${counted(rounds, 'round')} of ${ms / 1000} s.`);
  const results = await withPeers(bench, 'tail', peers, { workers: WORKERS, block: BLOCK }, async (servers) => {
    await inRounds(bench, 'tail', 1, servers, (server) => load(server, { kind: 'closed', connections: CLIENTS, streams: 1, ms: 200 }));
    return inRounds(bench, 'tail', rounds, servers, (server) => load(server, { kind: 'poisson', connections: CLIENTS, rate: RATE, ms }));
  });
  const of = (name, figure) => (results.get(name) ?? []).map((result) => result[figure]);
  report.table(
    ['', 'p50', 'p99', 'p99.9', 'p99, to node:cluster'],
    peers.map(({ name }) => [name, ...['p50', 'p99', 'p999'].map((figure) => cell(of(name, figure), 1)), cell(ratios(results, name, REFERENCE, ({ p99 }) => p99), 2)]),
  );
  report.say('One process of Node has 1.2 times the work that it can do, and falls behind for as long as the run lasts. Python\'s workers and Go are as above: their handlers sleep.');
  const rows = peers.filter(({ name, isSingle }) => results.has(name) && !isSingle).map(({ name }) => ({ name, ...spread(of(name, 'p99')) }));
  report.plot('tail', 'p99 of short calls', barChart({ title: 'Short calls among long ones: p99', unit: 'milliseconds', rows }));
}
