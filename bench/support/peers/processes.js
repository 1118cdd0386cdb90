// The processes and the folder of a run. Whatever ends the run, short of SIGKILL, takes them with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** In milliseconds. Dozens of processes may start at once on few cores. */
const READY_TIMEOUT = 120_000;
const STOP_TIMEOUT = 15_000;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

let folder = null;
let made = 0;
/** Each tells the pids of processes that are no descendants of this one. */
const detached = new Set();

/** A new path in the folder of this run. */
export function scratch(name) {
  if (folder === null) {
    folder = mkdtempSync(join(tmpdir(), 'grpcserverd-peers-'));
    process.once('exit', sweep);
    // Not once: npm and timeout send a signal twice, and the second would end this process before it has swept.
    for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => process.exit(code));
  }
  made += 1;
  return join(folder, `${name}-${made}`);
}

/** Ends what is left of the run at once. */
export function sweep() {
  const left = [...tree(process.pid).slice(1), ...[...detached].flatMap((pids) => pids()).flatMap(tree)];
  left.forEach(kill);
  if (folder !== null) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  folder = null;
}

/** Has processes that leave this one's tree ended with the run. Returns the function that forgets them. */
export function adopt(pids) {
  detached.add(pids);
  return () => detached.delete(pids);
}

/** The process and all that descend from it. */
export function tree(pid) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    const parent = parentOf(name);
    if (parent === null) continue;
    if (children.has(parent)) children.get(parent).push(Number(name));
    else children.set(parent, [Number(name)]);
  }
  const found = [pid];
  for (const of of found) found.push(...(children.get(of) ?? []));
  return found;
}

function parentOf(name) {
  if (!/^\d+$/.test(name)) return null;
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

/**
 * Starts a program and waits until it has printed that many lines that `isReady` takes. Programs of ours end with their
 * standard input, others on the `signal`.
 */
export async function startProgram(program, args, { env = {}, lines = 1, isReady = (line) => line === 'ready', signal = null } = {}) {
  const log = scratch('log');
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stderr.pipe(createWriteStream(log));
  const gone = once(child, 'exit');
  const printed = [];
  let seen = 0;
  let timer;
  const ready = new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${program} ${args.join(' ')} ${why}\n${printed.slice(-5).join('\n')}\n${tail(log)}`));
    timer = setTimeout(() => fail(`was not ready after ${READY_TIMEOUT} ms`), READY_TIMEOUT);
    child.once('error', (error) => fail(String(error)));
    gone.then(([code]) => fail(`ended with ${code}`), reject);
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (seen < lines) printed.push(line);
      seen += isReady(line) ? 1 : 0;
      if (seen === lines) resolve();
    });
    if (lines === 0) child.once('spawn', resolve);
  });
  await ready.catch((error) => {
    tree(child.pid).forEach(kill);
    throw error;
  }).finally(() => clearTimeout(timer));
  return {
    pids: () => tree(child.pid),
    async stop() {
      if (signal === null) child.stdin.end();
      else child.kill(signal);
      const pids = tree(child.pid);
      const timer = setTimeout(() => pids.forEach(kill), STOP_TIMEOUT);
      await gone;
      clearTimeout(timer);
    },
  };
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function tail(file) {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-8).join('\n');
  } catch {
    return '';
  }
}
