/**
 * Runs in the primary. Starts the new daemon. Under systemd not as a child of this process: systemd waits at a stop for
 * its own children alone, and looks whose child the main process is when it is told which one that is.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { deferred } from '../../shared/deferred.js';
import { toError } from '../../shared/errors.js';

/** Of the sockets, in the new process: after standard input, output and error, the channel, and where the shell tells a pid. */
export const FIRST_SOCKET = 5;

export interface LaunchOrder {
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  /** Descriptors here, which become FIRST_SOCKET and the following there. */
  readonly sockets: readonly number[];
  readonly as: 'child' | 'orphan';
}

export interface Launched {
  /** Speaks the channel of node:child_process; as a process, it may be the shell. */
  readonly channel: ChildProcess;
  /** 0 when it could not be started. */
  readonly pid: Promise<number>;
  /** Resolves when it has ended and all that it said was heard, with how: "it exited with code 1". */
  readonly ended: Promise<string>;
}

/** Starts what follows in the background, tells its pid, and leaves it to the next one up. */
const SHELL = ['/bin/sh', '-c', '"$@" 4>&- & echo $! >&4', 'sh'] as const;

export function launch({ command, env, sockets, as }: LaunchOrder): Launched {
  const [program, ...args] = as === 'child' ? command : [...SHELL, ...command];
  const channel = spawn(program, args, { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc', as === 'child' ? 'ignore' : 'pipe', ...sockets] });
  const ended = deferred<string>();
  const end = (how: string): void => {
    // What it has said before comes until then.
    if (channel.connected) channel.once('disconnect', () => ended.resolve(how));
    else ended.resolve(how);
  };
  channel.once('error', (error) => ended.resolve(`it cannot be started: ${toError(error).message}`));
  channel.once('exit', (code, signal) => {
    // An orphan tells nobody how it ends.
    if (as === 'orphan' && code === 0) end('it ended, and what it printed is in the log');
    else end(signal === null ? `it exited with code ${String(code)}` : `it ended by ${signal}`);
  });
  return { channel, pid: as === 'child' ? Promise.resolve(channel.pid ?? 0) : readPid(channel), ended: ended.promise };
}

async function readPid({ stdio }: ChildProcess): Promise<number> {
  let text = '';
  // As it was asked for.
  for await (const chunk of stdio[FIRST_SOCKET - 1] as Readable) text += String(chunk);
  return Number(text.trim());
}
