// What a router costs and gains: CPU for each small call in the router and in its workers, against grpc-js alone; the
// latency that it adds; streams; and how calls of one connection grow with workers that block. Parts without a primary.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatSpread, inTurn, judge, printTable, spread } from './support/figures.js';
import { cpuTime } from './support/process-usage.js';
import { startBare, startDaemon } from './support/servers.js';

const PAIRS = 5;
const PART = fileURLToPath(new URL('support/router-part.js', import.meta.url));
const RAW_LOAD = fileURLToPath(new URL('support/raw-load.js', import.meta.url));
/** calls, connections, streams of each. */
const SMALL = ['same', 30_000, 4, 16, 0];
const VARIED = ['varied', 30_000, 4, 16, 0];
const ALONE = ['same', 3000, 1, 1, 0];
const STREAMS = { 'download of 1 GiB': ['download', 16_384, 1, 1, 65_536], 'upload of 1 GiB': ['upload', 16_384, 1, 1, 65_536] };
/** Milliseconds that a handler blocks its worker, and what the calls of one connection are to grow by. */
const BLOCK = 4;
const GROWTH = { 2: 1.9, 4: 3.6, 8: 6.5 };

export async function run() {
  console.log(`${PAIRS} rounds; medians (smallest-largest)`);
  const bare = await startBare();
  const lean = await startDaemon({ transport: 'lean', maxReceiveMessageLength: '100MiB' });
  const routed = await startParts(2, 0);
  try {
    await cpu('small calls', SMALL, bare, routed);
    await cpu('small calls, new metadata each', VARIED, bare, routed);
    await latency(lean, routed);
    await streams(lean, routed);
  } finally {
    for (const server of [bare, lean, routed]) await server.stop();
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

async function streams(lean, routed) {
  for (const [name, order] of Object.entries(STREAMS)) {
    for (const server of [lean, routed]) await rawLoad(server, [order[0], 1000, ...order.slice(2)]);
    const [ofLean, ofRouted] = await inTurn(PAIRS, [lean, routed], (server) => rawLoad(server, order));
    const ratio = ofLean.map(({ ms }, pair) => ms / ofRouted[pair].ms);
    console.log(`\n${name}: speed to that without router ${formatSpread(ratio, 2)}`);
    judge(`${name}, slowdown`, 1 / spread(ratio).median, 1 / 0.7, 'x');
  }
}

async function growth() {
  const rates = {};
  for (const workers of [1, ...Object.keys(GROWTH).map(Number)]) {
    const routed = await startParts(workers, BLOCK);
    try {
      const calls = 250 * workers;
      await rawLoad(routed, ['same', 64, 1, 64, 0]);
      const { ms } = await rawLoad(routed, ['same', calls, 1, 64, 0]);
      rates[workers] = (calls / ms) * 1000;
    } finally {
      await routed.stop();
    }
  }
  console.log(`\none connection, 64 calls in flight, handlers that block their worker ${BLOCK} ms`);
  printTable(['workers', 'calls a second', 'to one worker'], Object.entries(rates).map(([workers, rate]) => [workers, rate.toFixed(0), (rate / rates[1]).toFixed(2)]));
  for (const [workers, goal] of Object.entries(GROWTH)) {
    judge(`${workers} workers: one worker to them, times ${workers}`, (rates[1] * workers) / rates[workers], workers / goal, 'x');
  }
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
