// Servers on Node: grpc-js in one process, in node:cluster and in PM2, and node:http2 with nothing above it.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { adopt, scratch, startProgram, tree } from './processes.js';

const GRPC_JS = fileURLToPath(new URL('grpc-js-server.js', import.meta.url));
const HTTP2 = fileURLToPath(new URL('http2-server.js', import.meta.url));
/** In milliseconds. */
const INSTALL_TIMEOUT = 180_000;
const LISTEN_TIMEOUT = 60_000;

export const grpcJs = {
  name: 'grpc-js',
  isSingle: true,
  prepare: () => null,
  start: ({ port, block }) => startProgram(process.execPath, [GRPC_JS, port, 0], { env: { BENCH_BLOCK: block } }),
};

export const http2 = {
  name: 'node:http2, fixed answer',
  isSingle: true,
  prepare: () => null,
  start: ({ port, block }) => startProgram(process.execPath, [HTTP2, port], { env: { BENCH_BLOCK: block } }),
};

export const nodeCluster = {
  name: 'node:cluster + grpc-js',
  prepare: () => null,
  start: ({ workers, port, block }) => startProgram(process.execPath, [GRPC_JS, port, workers], { env: { BENCH_BLOCK: block } }),
};

let bin = null;

/** In cluster mode, with wait_ready. Each server has a daemon of its own, in a folder that goes with the run. */
export const pm2 = {
  name: 'PM2 + grpc-js',
  async prepare({ isQuick }) {
    const [found] = spawnSync('which', ['pm2'], { encoding: 'utf8' }).stdout.split('\n');
    if (found !== '') bin = found;
    else if (isQuick) return 'not installed';
    else {
      const folder = scratch('pm2');
      const install = promisify(execFile)('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', 'pm2'], { timeout: INSTALL_TIMEOUT });
      if (await install.then(() => false, () => true)) return 'npm cannot install it';
      bin = join(folder, 'node_modules/pm2/bin/pm2');
    }
    return null;
  },
  async start({ workers, port, block }) {
    const home = scratch('pm2-home');
    const env = { ...process.env, PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: 'true', BENCH_BLOCK: block };
    const run = (...args) => promisify(execFile)(process.execPath, [bin, ...args], { env });
    const daemon = () => (existsSync(pidfile) ? [Number(readFileSync(pidfile, 'utf8'))] : []);
    const pidfile = join(home, 'pm2.pid');
    const forget = adopt(daemon);
    await run('start', GRPC_JS, '--name', 'bench', '-i', workers, '--wait-ready', '--listen-timeout', LISTEN_TIMEOUT, '--', port, 0);
    return {
      pids: () => daemon().flatMap(tree),
      async stop() {
        await run('kill');
        forget();
      },
    };
  },
};
