// Servers that are not on Node: Debian's grpc for Python and for Go.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { scratch, startProgram } from './processes.js';

const PYTHON = '/usr/bin/python3';
const PYTHON_SERVER = fileURLToPath(new URL('python-server.py', import.meta.url));
const GO_SERVER = fileURLToPath(new URL('../go-server.go', import.meta.url));
/** As in grpc's own examples, and what Django's command takes by default. */
const THREADS = 10;

const works = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const preparePython = () => (works(PYTHON, '-c', 'import grpc, google.protobuf') ? null : 'no python3-grpcio');

/** With handlers that block, each thread is a worker: that is what Django's max_workers are. */
export const pythonThreads = {
  name: 'Python, thread pool',
  prepare: preparePython,
  start: ({ workers, port, block }) => startProgram(PYTHON, [PYTHON_SERVER, port, 1, block > 0 ? workers : THREADS], { env: { BENCH_BLOCK: block } }),
};

/** They share the port with SO_REUSEPORT. */
export const pythonProcesses = {
  name: 'Python, processes',
  prepare: preparePython,
  start: ({ workers, port, block }) =>
    startProgram(PYTHON, [PYTHON_SERVER, port, workers, block > 0 ? 1 : THREADS], { env: { BENCH_BLOCK: block }, lines: workers }),
};

let program = null;

/** Workers are GOMAXPROCS. */
export const go = {
  name: 'Go',
  prepare() {
    program = scratch('go-server');
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' };
    return spawnSync('go', ['build', '-o', program, GO_SERVER], { env, stdio: 'ignore' }).status === 0 ? null : 'no golang-google-grpc-dev';
  },
  start: ({ workers, port, block }) =>
    startProgram(program, [port, block], { env: { GOMAXPROCS: workers }, isReady: (line) => line === String(port) }),
};
