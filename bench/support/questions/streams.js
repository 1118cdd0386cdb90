// Bandwidth of one stream in each direction.
import { spread } from '../figures.js';
import { cell, counted, inRounds, ratios, withPeers } from '../peers/round.js';
import { load } from '../peers/loader.js';
import { barChart } from '../plot.js';

const REFERENCE = 'grpc-js';
const SIZE = 65_536;

export async function ask(bench) {
  const { report, isQuick, cores, peers } = bench;
  const [rounds, mib] = isQuick ? [1, 64] : [3, 256];
  const chunks = (mib * 2 ** 20) / SIZE;
  report.say('\n## How wide is a stream?\n');
  report.say(`${mib} MiB in messages of 64 KiB on one call, ${cores} workers: MB a second, to grpc-js in the same round, and milliseconds of CPU of all processes that serve; ${counted(rounds, 'round')}.`);
  const runs = await withPeers(bench, 'streams', peers, { workers: cores }, async (servers) => {
    const all = [];
    for (const kind of ['download', 'upload']) {
      if (!isQuick) await inRounds(bench, 'streams', 1, servers, (server) => load(server, { kind, chunks: chunks / 4, size: SIZE }));
      all.push([kind, await inRounds(bench, 'streams', rounds, servers, (server) => load(server, { kind, chunks, size: SIZE }))]);
    }
    return all;
  });
  const speed = ({ ms }) => (mib * 2 ** 20) / ms / 1000;
  report.table(
    ['', ...runs.flatMap(([kind]) => [`${kind}, MB/s`, 'to grpc-js', 'CPU, ms'])],
    peers.map(({ name }) => [
      name,
      ...runs.flatMap(([, results]) => {
        const of = results.get(name) ?? [];
        return [cell(of.map(speed), 0), cell(ratios(results, name, REFERENCE, speed), 2), cell(of.map(({ cpu }) => cpu / 1000), 0)];
      }),
    ]),
  );
  const rows = peers.flatMap(({ name }) => runs.filter(([, results]) => results.has(name)).map(([kind, results]) => ({ name: `${name}: ${kind}`, ...spread(results.get(name).map(speed)) })));
  report.plot('streams', 'bandwidth of a stream', barChart({ title: 'One stream of 64 KiB messages', unit: 'MB/s', rows }));
}
