// What the lean transport is for: CPU, latency, throughput and memory of a worker with it, against grpc-js alone, in
// pairs; small calls against grpc-go too, where Debian's golang-google-grpc-dev is installed. Every option of the
// daemon is at its default, but for the transport and the limit of messages.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { atLeast, formatSpread, inTurn, judge, printTable, spread } from './support/figures.js';
import { load } from './support/load.js';
import { cpuTime } from './support/process-usage.js';
import { startBare, startDaemon } from './support/servers.js';

const PAIRS = 7;
const RAW_LOAD = fileURLToPath(new URL('support/raw-load.js', import.meta.url));
const GO_SERVER = fileURLToPath(new URL('support/go-server.go', import.meta.url));
const GOPATH = '/usr/share/gocode';

/** name: [arguments of the load, calls of the warm-up, what to judge: by which figure, goal] */
const CALLS = {
  'small calls': { load: ['same', 30_000, 4, 16, 0], warmUp: 90_000, goal: 3.3 },
  'small calls, new metadata each': { load: ['varied', 30_000, 4, 16, 0], warmUp: 60_000, goal: 2.5 },
};
const SIZES = {
  '1 KiB both ways': ['echo', 20_000, 4, 8, 1024],
  '64 KiB both ways': ['echo', 2000, 4, 4, 64 * 1024],
  '1 MiB both ways': ['echo', 200, 2, 2, 1024 * 1024],
  '1 GiB down in 64 KiB': ['download', 16_384, 1, 1, 64 * 1024],
  '1 GiB up in 64 KiB': ['upload', 16_384, 1, 1, 64 * 1024],
};
const ALONE = ['same', 3000, 1, 1, 0];

export async function run() {
  console.log(`${PAIRS} pairs each, the runs of a pair one after the other; medians (smallest-largest)`);
  const bare = await startBare();
  const lean = await startDaemon({ transport: 'lean', balance: 'connection', maxReceiveMessageLength: '100MiB' });
  const go = await startGo();
  try {
    for (const [name, { load: order, warmUp, goal }] of Object.entries(CALLS)) await cpu(name, order, warmUp, goal, bare, lean);
    await asyncHandlers(bare, lean);
    if (go !== null) await againstGo(go, lean);
    await sizes(bare, lean);
    await alone(bare, lean);
  } finally {
    for (const server of [bare, lean, go]) await server?.stop();
  }
}

async function cpu(name, order, warmUp, goal, bare, lean) {
  for (const server of [bare, lean]) await rawLoad(server, [order[0], warmUp, ...order.slice(2)]);
  const [ofBare, ofLean] = await inTurn(PAIRS, [bare, lean], (server) => rawLoad(server, order));
  pairs(name, ofBare.map(({ us }) => us), ofLean.map(({ us }) => us), goal);
}

async function asyncHandlers(bare, lean) {
  for (const server of [bare, lean]) await load(server, 'Async', 60_000);
  const [ofBare, ofLean] = await inTurn(PAIRS, [bare, lean], (server) => load(server, 'Async', 20_000));
  pairs('small calls, async handlers', ofBare.map(({ serving }) => serving), ofLean.map(({ serving }) => serving), 2.8);
}

function pairs(name, bare, lean, goal) {
  const ratio = bare.map((us, pair) => us / lean[pair]);
  console.log(`\n${name}: microseconds of CPU per call, user and system`);
  printTable(['pair', 'bare', 'lean', 'calls per CPU-second, lean to bare'], ratio.map((of, pair) => [pair + 1, bare[pair].toFixed(1), lean[pair].toFixed(1), of.toFixed(2)]));
  console.log(`\nmedian: bare ${formatSpread(bare, 1)}, lean ${formatSpread(lean, 1)}, ratio ${formatSpread(ratio, 2)}`);
  atLeast(name, spread(ratio).median, goal);
}

async function againstGo(go, lean) {
  const order = ['same', 30_000, 4, 16, 0];
  for (const server of [go, lean]) await rawLoad(server, ['same', 60_000, 4, 16, 0]);
  const [ofGo, ofLean] = await inTurn(PAIRS, [go, lean], (server) => rawLoad(server, order));
  const ratio = ofLean.map(({ us }, pair) => us / ofGo[pair].us);
  console.log('\nsmall calls against grpc-go, GOMAXPROCS=1: microseconds of CPU per call');
  printTable(['pair', 'go', 'lean', 'lean to go'], ratio.map((of, pair) => [pair + 1, ofGo[pair].us.toFixed(1), ofLean[pair].us.toFixed(1), of.toFixed(2)]));
  judge('CPU, lean to Go', spread(ratio).median, 1.7, 'x');
}

async function sizes(bare, lean) {
  console.log('\nthroughput, lean to bare');
  const rows = [];
  for (const [name, order] of Object.entries(SIZES)) {
    for (const server of [bare, lean]) await rawLoad(server, order);
    const [ofBare, ofLean] = await inTurn(PAIRS, [bare, lean], (server) => rawLoad(server, order));
    const ratio = ofBare.map(({ ms }, pair) => ms / ofLean[pair].ms);
    const rate = (runs) => formatSpread(runs.map(({ bytes, ms }) => bytes / ms / 1000), 0);
    rows.push([name, rate(ofBare), rate(ofLean), formatSpread(ratio, 2), formatSpread(ofBare.map(({ us }, pair) => us / ofLean[pair].us), 2)]);
    atLeast(name, spread(ratio).median, 0.95);
  }
  console.log();
  printTable(['messages', 'bare MB/s', 'lean MB/s', 'lean to bare', 'work per CPU-second'], rows);
}

async function alone(bare, lean) {
  for (const server of [bare, lean]) await rawLoad(server, ALONE);
  const [ofBare, ofLean] = await inTurn(PAIRS, [bare, lean], (server) => rawLoad(server, ALONE));
  const figures = ['p50', 'p99'].map((figure) => ofLean.map((of, pair) => of[figure] / ofBare[pair][figure]));
  console.log('\none call at a time on one connection: microseconds of latency');
  printTable(
    ['', 'bare', 'lean', 'lean to bare'],
    ['p50', 'p99'].map((figure, index) => [
      figure, formatSpread(ofBare.map((of) => of[figure] * 1000), 0), formatSpread(ofLean.map((of) => of[figure] * 1000), 0), formatSpread(figures[index], 2),
    ]),
  );
  judge('p50, lean to bare', spread(figures[0]).median, 1.05, 'x');
  judge('p99, lean to bare', spread(figures[1]).median, 1.2, 'x');
}

/** Resolves to what raw-load.js prints, and `us`, the CPU of the server for each call. */
async function rawLoad({ port, serving }, order) {
  const before = cpuTime(serving);
  const { stdout } = await promisify(execFile)(process.execPath, [RAW_LOAD, port, ...order]);
  const us = (cpuTime(serving) - before) / order[1];
  return { ...JSON.parse(stdout), us };
}

async function startGo() {
  const env = { ...process.env, GO111MODULE: 'off', GOPATH, GOFLAGS: '', GOMAXPROCS: '1' };
  const folder = mkdtempSync(join(tmpdir(), 'grpcserverd-bench-'));
  const program = join(folder, 'server');
  if (spawnSync('go', ['build', '-o', program, GO_SERVER], { env, stdio: 'ignore' }).status !== 0) {
    rmSync(folder, { recursive: true });
    console.log('\nNo grpc-go here (Debian: golang-go, golang-google-grpc-dev): not compared.');
    return null;
  }
  const child = spawn(program, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.once('exit', () => rmSync(folder, { recursive: true }));
  const [line] = await once(child.stdout, 'data');
  return {
    port: Number(line),
    serving: child.pid,
    async stop() {
      const gone = once(child, 'exit');
      child.stdin.end();
      await gone;
    },
  };
}
