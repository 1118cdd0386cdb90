// What a router costs and gains: CPU for each small call in the router and in its workers, against grpc-js alone; the
// latency that it adds; streams; how calls of one connection grow with workers that block, and how long short calls wait
// behind long ones, against node:cluster and PM2. Parts without a primary.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { atLeast, formatSpread, inTurn, judge, printTable, spread } from './support/figures.js';
import { cpuTime } from './support/process-usage.js';
import { installPm2, startCluster } from './support/rivals.js';
import { startBare, startDaemon } from './support/servers.js';

const PAIRS = 5;
const PART = fileURLToPath(new URL('support/router-part.js', import.meta.url));
const RAW_LOAD = fileURLToPath(new URL('support/raw-load.js', import.meta.url));
/** calls, connections, streams of each. */
const SMALL = ['same', 30_000, 4, 16, 0];
const VARIED = ['varied', 30_000, 4, 16, 0];
const ALONE = ['same', 3000, 1, 1, 0];
const STREAMS = { 'download of 1 GiB': ['download', 16_384, 1, 1, 65_536], 'upload of 1 GiB': ['upload', 16_384, 1, 1, 65_536] };
/** Enough for the code of both ways to be compiled: until then a worker takes twice the CPU. */
const STREAM_WARM_UP = 3;
const STREAM_PAIRS = 9;
/** Milliseconds that a handler blocks its worker, and what the calls of one connection are to grow by. */
const BLOCK = 4;
const GROWTH = { 2: 1.9, 4: 3.6, 8: 6.5 };
const GROWTH_ROUNDS = 3;
/** Calls for each worker: many times the 64 in flight, since at the end some workers have nothing to do. */
const GROWTH_CALLS = 500;
/** Of eight clients, 200 calls a second in all, one in a hundred of which blocks its worker fifty times as long. */
const TAILED = ['tailed', 2000, 8, 1, 200];
const TAIL_WORKERS = 4;

export async function run() {
  console.log(`${PAIRS} rounds; medians (smallest-largest)`);
  const bare = await startBare();
  const lean = await startDaemon({ transport: 'lean', balance: 'connection', maxReceiveMessageLength: '100MiB' });
  const routed = await startParts(2, 0);
  try {
    await cpu('small calls', SMALL, bare, routed);
    await cpu('small calls, new metadata each', VARIED, bare, routed);
    await latency(lean, routed);
  } finally {
    for (const server of [bare, routed]) await server.stop();
  }
  const alone = await startParts(1, 0);
  try {
    await streams(lean, alone);
  } finally {
    for (const server of [lean, alone]) await server.stop();
  }
  await growth();
}

async function cpu(name, order, bare, routed) {
  for (const server of [bare, routed]) await rawLoad(server, [order[0], 90_000, ...order.slice(2)]);
  const [ofBare, ofRouted] = await inTurn(PAIRS, [bare, routed], (server) => rawLoad(server, order));
  const ratio = ofBare.map(({ us }, pair) => us / ofRouted[pair].us);
  console.log(`\n${name}: microseconds of CPU per call`);
  printTable(
    ['', 'grpc-js alone', 'router', 'workers', 'both', 'alone to both'],
    [['', formatSpread(ofBare.map(({ us }) => us), 1), ...['router', 'workers', 'us'].map((part) => formatSpread(ofRouted.map((run) => run[part]), 1)), formatSpread(ratio, 2)]],
  );
  judge(`${name}: the router, where grpc-js alone needs 40`, spread(ofBare.map(({ us }, pair) => (ofRouted[pair].router * 40) / us)).median, 6, ' us');
  judge(`${name}: router and workers, to grpc-js alone`, spread(ratio.map((of) => 1 / of)).median, 0.5, 'x');
}

async function latency(lean, routed) {
  for (const server of [lean, routed]) await rawLoad(server, ALONE);
  const [ofLean, ofRouted] = await inTurn(PAIRS, [lean, routed], (server) => rawLoad(server, ALONE));
  const added = ofLean.map(({ p50 }, pair) => ofRouted[pair].p50 - p50);
  console.log(`\none call at a time, p50 in ms: without router ${formatSpread(ofLean.map(({ p50 }) => p50), 3)}, with ${formatSpread(ofRouted.map(({ p50 }) => p50), 3)}`);
  judge('added p50', spread(added).median, 0.25, ' ms');
}

/** One worker each. Where there are fewer processors than processes, the CPU that each takes tells what there is to share. */
async function streams(lean, routed) {
  for (const [name, order] of Object.entries(STREAMS)) {
    for (let round = 0; round < STREAM_WARM_UP; round += 1) for (const server of [lean, routed]) await rawLoad(server, order);
    const runs = await inTurn(STREAM_PAIRS, [lean, routed], (server) => rawLoad(server, order));
    const ratio = runs[0].map(({ ms }, pair) => ms / runs[1][pair].ms);
    console.log(`\n${name}, on ${availableParallelism()} processors: ms, and ms of CPU of each process`);
    printTable(
      ['', 'time', 'client', 'router', 'worker'],
      ['without router', 'through it'].map((label, index) => {
        const cpu = (perCall) => (perCall * order[1]) / 1000;
        const columns = [({ ms }) => ms, ({ client }) => client, ({ router }) => cpu(router), ({ workers }) => cpu(workers)];
        return [label, ...columns.map((column) => formatSpread(runs[index].map(column), 0))];
      }),
    );
    console.log(`speed to that without router ${formatSpread(ratio, 2)}`);
    atLeast(name, spread(ratio).median, 0.7);
  }
}

async function growth() {
  const pm2 = await installPm2();
  const starters = { router: startParts, 'node:cluster': startCluster, ...(pm2 === null ? {} : { PM2: pm2.start }) };
  try {
    await oneConnection(starters);
    await tail(starters);
  } finally {
    await pm2?.remove();
  }
}

/** Starts one of each, hands them over, and stops them. */
async function withServers(starters, workers, use) {
  const servers = [];
  try {
    for (const start of Object.values(starters)) servers.push(await start(workers, BLOCK));
    return await use(servers);
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function oneConnection(starters) {
  const names = Object.keys(starters);
  const rates = {};
  for (const workers of [1, ...Object.keys(GROWTH).map(Number)]) {
    const calls = GROWTH_CALLS * workers;
    rates[workers] = await withServers(starters, workers, (servers) => inTurn(GROWTH_ROUNDS, servers, async (server) => {
      const { ms } = await rawLoad(server, ['same', calls, 1, 64, 0]);
      return (calls / ms) * 1000;
    }));
  }
  const growthOf = (workers, index) => rates[workers][index].map((rate, round) => rate / rates[1][index][round]);
  console.log(`\none connection, 64 calls in flight, handlers that block their worker ${BLOCK} ms: calls a second, and to one worker`);
  printTable(
    ['workers', ...names.flatMap((name) => [name, 'to one'])],
    Object.keys(rates).map((workers) => [workers, ...names.flatMap((_, index) => [formatSpread(rates[workers][index], 0), formatSpread(growthOf(workers, index), 2)])]),
  );
  for (const [workers, goal] of Object.entries(GROWTH)) {
    atLeast(`${workers} workers, to one`, spread(growthOf(workers, 0)).median, goal);
  }
}

async function tail(starters) {
  const results = await withServers(starters, TAIL_WORKERS, async (servers) => {
    for (const server of servers) await rawLoad(server, ['same', 64, 8, 1, 0]);
    return inTurn(GROWTH_ROUNDS, servers, (server) => rawLoad(server, TAILED));
  });
  console.log(`\n8 clients, ${TAIL_WORKERS} workers, ${TAILED[4]} calls a second; one in a hundred takes ${BLOCK * 50} ms, the others ${BLOCK}: ms for these`);
  printTable(
    ['', 'p50', 'p99', 'p99, to the router'],
    Object.keys(starters).map((name, index) => [
      name,
      ...['p50', 'p99'].map((figure) => formatSpread(results[index].map((run) => run[figure]), 1)),
      formatSpread(results[index].map(({ p99 }, round) => p99 / results[0][round].p99), 2),
    ]),
  );
}

/** Starts that many workers and a router before them. */
async function startParts(count, block) {
  const folder = mkdtempSync(join(tmpdir(), 'grpcserverd-bench-'));
  const paths = Array.from({ length: count }, (_, slot) => join(folder, `${slot}.sock`));
  const workers = [];
  for (const path of paths) {
    const worker = fork(PART, ['worker', path, String(block)]);
    await once(worker, 'message');
    workers.push(worker);
  }
  const router = fork(PART, ['router', ...paths]);
  const [{ port }] = await once(router, 'message');
  return {
    port,
    router: router.pid,
    workers: workers.map(({ pid }) => pid),
    async stop() {
      const gone = [router, ...workers].map((child) => once(child, 'exit'));
      for (const child of [router, ...workers]) child.disconnect();
      await Promise.all(gone);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves to what raw-load.js prints, and to the CPU for each call in microseconds: of all, of the router, of the workers. */
async function rawLoad(server, order) {
  const measure = () => [server.router, ...(server.workers ?? [server.serving])].map((pid) => (pid === undefined ? 0 : cpuTime(pid)));
  const before = measure();
  const { stdout } = await promisify(execFile)(process.execPath, [RAW_LOAD, server.port, ...order]);
  const [router, ...workers] = measure().map((time, index) => (time - before[index]) / order[1]);
  const ofWorkers = workers.reduce((sum, time) => sum + time, 0);
  return { ...JSON.parse(stdout), router, workers: ofWorkers, us: router + ofWorkers };
}
