import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether this system tells about its processes in files. Where it does not, these functions find none. */
export const HAS_PROC = existsSync('/proc/self/environ');

/**
 * The pids of all running processes that were started, directly or not, with the environment variable
 * `name=value`. Zombies do not count: their environment is gone.
 */
export function processesMarked(name: string, value: string): number[] {
  const mark = Buffer.from(`${name}=${value}\0`);
  return pids().filter((pid) => readOrEmpty(`/proc/${pid}/environ`).includes(mark));
}

/** The number of open file descriptors of a process. Needs /proc. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** What ps would print of a process, for messages. */
export function commandOf(pid: number): string {
  return readOrEmpty(`/proc/${pid}/cmdline`).toString().replaceAll('\0', ' ').trim();
}

/** Whether a process runs; one that has ended and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  return !['', 'Z', 'X'].includes(/\) (\w)/.exec(readOrEmpty(`/proc/${pid}/stat`).toString())?.[1] ?? '');
}

function pids(): number[] {
  return HAS_PROC ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number) : [];
}

/** A process may end while it is looked at, or belong to somebody else. */
function readOrEmpty(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
