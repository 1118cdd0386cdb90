// Starts what is measured: the real daemon from its bin and a config file, or grpc-js alone.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/grpcserverd.js', import.meta.url));
const SERVICER = fileURLToPath(new URL('servicer.js', import.meta.url));
const BARE = fileURLToPath(new URL('bare-server.js', import.meta.url));
/** Milliseconds until a server must be ready. */
const READY_TIMEOUT = 120_000;

/** Resolves to `{ port, serving, stop }`; `serving` is the pid of the process that answers calls. */
export async function startBare({ port = 0, program = BARE, args = [] } = {}) {
  const child = fork(program, [String(port), ...args]);
  const [message] = await once(child, 'message', { signal: AbortSignal.timeout(READY_TIMEOUT) });
  return { port: message.port, serving: child.pid, stop: () => end(child, () => child.disconnect()) };
}

/**
 * Every option at its default, but for the worker count, a private address and a private runtime folder. `execArgv`
 * are arguments of node for the primary.
 * Resolves as `startBare` does, with `primary`, the pid of the supervising process, `log`, its lines, and `folder`,
 * where its config is, besides.
 */
export async function startDaemon({ port = 0, workers = 1, execArgv = [], ...more } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'grpcserverd-bench-'));
  const file = join(folder, 'grpcserverd.config.json');
  writeFileSync(file, JSON.stringify({ servicers: [SERVICER], maxWorkers: workers, host: '127.0.0.1', port, runtimeDir: folder, ...more }));
  const child = spawn(process.execPath, [...execArgv, BIN, 'start', '--config', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.once('exit', () => rmSync(folder, { recursive: true }));
  const log = [];
  const ready = await readyOf(child, log);
  const serving = log.find(({ event }) => event === 'worker.ready').worker;
  return { port: ready.port, serving, primary: child.pid, log, folder, stop: () => end(child, () => child.kill('SIGTERM')) };
}

function readyOf(child, log) {
  return new Promise((resolve, reject) => {
    const fail = () => {
      clearTimeout(timer);
      child.kill('SIGTERM');
      reject(new Error(`the daemon did not start:\n${log.map((record) => JSON.stringify(record)).join('\n')}`));
    };
    const timer = setTimeout(fail, READY_TIMEOUT);
    child.once('exit', fail);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const record = JSON.parse(line);
      log.push(record);
      if (record.event !== 'daemon.ready') return;
      clearTimeout(timer);
      child.off('exit', fail);
      resolve(record);
    });
  });
}

async function end(child, ask) {
  const gone = once(child, 'exit');
  ask();
  await gone;
}
