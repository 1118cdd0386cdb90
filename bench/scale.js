// More workers than a machine of the reader's has: the router's choice of a worker and the policy of elastic fleets, the
// functions that serve in production, on a simulated clock (support/simulated-calls.js, support/simulated-day.js). How
// calls spread, how long they wait, how often the fleet changes, and what a choice costs as the fleet grows.
import { mkdirSync, writeFileSync } from 'node:fs';
import { chooseWorker } from '../dist/router/worker-choice.js';
import { WorkerRanking } from '../dist/router/worker-ranking.js';
import { inTurn, judge, printTable, spread } from './support/figures.js';
import { lineChart } from './support/plot.js';
import { playCalls, randomFrom, WAYS } from './support/simulated-calls.js';
import { playDay } from './support/simulated-day.js';

const SIZES = [
  { workers: 8, connections: 10_000, calls: 500_000 },
  { workers: 64, connections: 100_000, calls: 1_500_000 },
  { workers: 512, connections: 1_000_000, calls: 5_000_000 },
];
const QUICK = 10;
const COUNTED = 200_000;
const ROUNDS = 9;

export async function run({ quick = false, out } = {}) {
  const scale = quick ? QUICK : 1;
  const sizes = SIZES.map(({ workers, connections, calls }) => ({ workers, connections: connections / scale, calls: calls / scale }));
  const lines = [...sizes.map(spreadCalls), await priceChoices(SIZES.map(({ workers }) => workers), scale), playDays()];
  if (out === undefined) return;
  mkdirSync(out, { recursive: true });
  for (const { file, ...chart } of lines.filter((line) => line !== undefined)) writeFileSync(`${out}/${file}.svg`, lineChart(chart));
}

function spreadCalls({ workers, connections, calls }) {
  const ways = { 'by call, one router': WAYS.routers(1), 'by call, four routers': WAYS.routers(4), 'by connection': WAYS.connections, 'one line for all': WAYS.ideal };
  const played = Object.entries(ways).map(([name, way]) => ({ name, ...playCalls({ workers, connections, calls, way, seed: 1 }) }));
  console.log(`\n${workers} workers, ${connections} connections, ${calls} calls`);
  printTable(
    ['chosen', 'wait p50, ms', 'p99', 'busiest to mean', 'worst window', 'went home', 'links a connection'],
    played.map(({ name, wait, skew, homes, links }) => [
      name,
      wait.p50.toFixed(1),
      wait.p99 >= 1000 ? `${Math.round(wait.p99 / 1000)} s` : wait.p99.toFixed(1),
      skew.length > 0 ? spread(skew).median.toFixed(2) : '-',
      skew.length > 0 ? spread(skew).max.toFixed(2) : '-',
      homes.toFixed(2),
      links.length > 0 ? spread(links).median.toFixed(2) : '-',
    ]),
  );
  const [one, , connection, ideal] = played;
  judge(`${workers} workers, p99 of waiting above one line for all`, one.wait.p99 - ideal.wait.p99, 15, ' ms');
  judge(`${workers} workers, p99 of waiting, by call to by connection`, one.wait.p99 / connection.wait.p99, 0.5, 'x');
  if (one.skew.length > 0) judge(`${workers} workers, busiest to mean, worst window`, spread(one.skew).max, 1.5, 'x');
}

/** A call: the choice, its begin and the end of another. */
async function priceChoices(counts, scale) {
  const rounds = await inTurn(ROUNDS, counts, (count) => nanoseconds(count, COUNTED / scale));
  const rows = counts.map((count, index) => ({ count, ns: spread(rounds[index]), compared: comparisons(count) }));
  console.log();
  printTable(
    ['workers', 'ns a call', 'smallest', 'largest', 'comparisons a call'],
    rows.map(({ count, ns, compared }) => [count, ns.median.toFixed(0), ns.min.toFixed(0), ns.max.toFixed(0), compared.toFixed(1)]),
  );
  const [few, , many] = rows;
  // 64 times as many workers are six more steps; two comparisons each, down and up again.
  judge('comparisons that 64 times as many workers add', many.compared - few.compared, 24, '');
  judge('ns of a call, 512 workers to 8', many.ns.min / few.ns.min, 8, 'x');
  return {
    file: 'scale-choice',
    title: 'The cost of a call in the ranking of workers',
    x: 'workers',
    y: 'comparisons',
    series: [{ name: 'ranking', points: [8, 16, 32, 64, 128, 256, 512].map((count) => [count, comparisons(count)]) }],
  };
}

function nanoseconds(count, calls) {
  const turn = churn(count, () => ({ inFlight: 0, standing: 'good', rank: null, lastEnd: 0 }));
  for (let call = 0; call < calls; call += 1) turn();
  const start = performance.now();
  for (let call = 0; call < calls; call += 1) turn();
  return ((performance.now() - start) * 1e6) / calls;
}

/** Counted, not timed: whoever compares two workers reads the standing of both. */
function comparisons(count) {
  let reads = 0;
  const turn = churn(count, () => ({
    inFlight: 0,
    rank: null,
    lastEnd: 0,
    get standing() {
      reads += 1;
      return 'good';
    },
  }));
  reads = 0;
  for (let call = 0; call < 20_000; call += 1) turn();
  return reads / 2 / 20_000;
}

/** Workers with three calls each on average, of which a random one ends whenever another begins. */
function churn(count, worker) {
  const random = randomFrom(3);
  const ranking = new WorkerRanking();
  for (let each = 0; each < count; each += 1) ranking.add(worker());
  const begin = () => {
    const chosen = chooseWorker(ranking.first, null);
    chosen.inFlight += 1;
    ranking.note(chosen);
    return chosen;
  };
  const calls = Array.from({ length: 3 * count }, begin);
  return () => {
    const at = Math.floor(random() * calls.length);
    calls[at].inFlight -= 1;
    ranking.noteEnd(calls[at]);
    calls[at] = begin();
  };
}

function playDays() {
  const days = SIZES.map(({ workers: most }) => ({ most, ...playDay({ most, seed: 1 }) }));
  console.log('\nan elastic fleet, 24 hours');
  printTable(
    ['most workers', 'steps', 'steps back within 2 min', 'above 90 % busy', 'worker hours to those needed'],
    days.map(({ most, steps, flaps, overloaded, waste }) => [most, steps, flaps, `${(100 * overloaded).toFixed(3)} %`, waste.toFixed(2)]),
  );
  for (const { most, steps, flaps, overloaded, waste } of days) {
    judge(`${most} workers at most, steps in a day`, steps, 240, '');
    judge(`${most} workers at most, steps back within 2 min`, flaps, 0, '');
    judge(`${most} workers at most, of the day above 90 % busy`, 100 * overloaded, 0.1, ' %');
    judge(`${most} workers at most, worker hours to those needed`, waste, 1.25, 'x');
  }
  return {
    file: 'scale-day',
    title: 'An elastic fleet over a day, of the most that it may have',
    x: 'hours',
    y: '% of the workers',
    series: days.map(({ most, sizes }) => ({ name: `${most} workers`, points: sizes.map(([hour, workers]) => [hour, (100 * workers) / most]) })),
  };
}
