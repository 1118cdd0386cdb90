// The choice of a worker, played through without a network: calls of 64 clients come at random, one in a hundred takes
// fifty times as long, and each worker does one at a time, as a handler does that keeps its event loop. How long the
// other calls take, and how far the busiest worker is above the mean, against round robin over connections.
import { chooseWorker } from '../dist/router/worker-choice.js';
import { WorkerRanking } from '../dist/router/worker-ranking.js';
import { formatSpread, judge, printTable, spread } from './support/figures.js';
import { randomFrom } from './support/simulated-calls.js';

const CALLS = 40_000;
const CLIENTS = 64;
/** Milliseconds of a usual call, and of a rare one. */
const SHORT = 4;
const LONG = 200;
const RARE = 1 / 100;
/** Of what the workers could do. */
const LOAD = 0.6;
const SEEDS = [1, 2, 3, 4, 5];

export function run() {
  const rows = [];
  for (const workers of [2, 4, 8]) {
    const runs = { calls: SEEDS.map((seed) => play(workers, byCall, seed)), connections: SEEDS.map((seed) => play(workers, byConnection, seed)) };
    for (const [by, results] of Object.entries(runs)) {
      rows.push([workers, by, ...['p50', 'p99', 'skew', 'homes'].map((figure) => formatSpread(results.map((result) => result[figure]), figure === 'p50' || figure === 'p99' ? 0 : 2))]);
    }
    judge(`${workers} workers, the busiest to the mean of calls`, spread(runs.calls.map(({ skew }) => skew)).median, 1.1, 'x');
    judge(`${workers} workers, p99 by calls to by connections`, spread(runs.calls.map(({ p99 }, seed) => p99 / runs.connections[seed].p99)).median, 1, 'x');
  }
  console.log();
  printTable(['workers', 'chosen by', 'p50 of short calls, ms', 'p99', 'busiest to mean', 'calls that went home'], rows);
}

/** What the router does. */
function byCall({ ranking }, client) {
  const worker = chooseWorker(ranking.first, client.home);
  client.home ??= worker;
  return worker;
}

/** What a balancer of connections does. */
function byConnection({ workers }, client) {
  client.home ??= workers[client.number % workers.length];
  return client.home;
}

function play(count, choose, seed) {
  const random = randomFrom(seed);
  const workers = Array.from({ length: count }, () => ({ inFlight: 0, standing: 'good', rank: null, lastEnd: 0, freeAt: 0, calls: 0 }));
  const ranking = new WorkerRanking();
  for (const worker of workers) ranking.add(worker);
  const change = (worker, by) => {
    worker.inFlight += by;
    if (by < 0) ranking.noteEnd(worker);
    else ranking.note(worker);
  };
  const clients = Array.from({ length: CLIENTS }, (_, number) => ({ number, home: null }));
  /** Ends of calls that are in flight, the soonest first, of each worker. */
  const ends = workers.map(() => []);
  const mean = SHORT * (1 - RARE) + LONG * RARE;
  const times = [];
  let now = 0;
  let home = 0;
  for (let made = 0; made < CALLS; made += 1) {
    now += (-Math.log(1 - random()) * mean) / (count * LOAD);
    workers.forEach((worker, index) => {
      while (ends[index][0] <= now) {
        ends[index].shift();
        change(worker, -1);
      }
    });
    const client = clients[Math.floor(random() * CLIENTS)];
    const worker = choose({ workers, ranking }, client);
    if (worker === client.home) home += 1;
    const takes = random() < RARE ? LONG : SHORT;
    worker.freeAt = Math.max(worker.freeAt, now) + takes;
    change(worker, 1);
    worker.calls += 1;
    ends[workers.indexOf(worker)].push(worker.freeAt);
    if (takes === SHORT) times.push(worker.freeAt - now);
  }
  times.sort((a, b) => a - b);
  return {
    p50: times[Math.floor(times.length * 0.5)],
    p99: times[Math.floor(times.length * 0.99)],
    skew: (Math.max(...workers.map(({ calls }) => calls)) * count) / CALLS,
    homes: home / CALLS,
  };
}
