/** Runs in the primary. How a notification gets to systemd: Node has no datagram unix sockets, so a child sends it. */
import { execFile } from 'node:child_process';
import { toError } from '../../shared/errors.js';

/** The child waits five seconds until systemd has read the message; twice that is stuck. In milliseconds. */
const TIMEOUT = 10_000;

/** Sends `NAME=value` assignments as one message of sd_notify(3). Rejects with a sentence when they did not arrive. */
export type Send = (assignments: readonly string[]) => Promise<void>;

/** @param socket as NOTIFY_SOCKET has it */
export function notifySocket(socket: string): Send {
  const env = { PATH: process.env.PATH, NOTIFY_SOCKET: socket };
  return (assignments) =>
    new Promise((resolve, reject) => {
      // Never with --no-block: systemd drops what comes from a process that has ended before it looks.
      execFile('systemd-notify', assignments, { env, timeout: TIMEOUT, killSignal: 'SIGKILL' }, (error, _stdout, stderr) => {
        if (error === null) resolve();
        else reject(new Error(reasonOf(error, stderr)));
      });
    });
}

function reasonOf(error: Error & { readonly code?: unknown; readonly killed?: boolean }, stderr: string): string {
  if (error.code === 'ENOENT') return 'systemd-notify is not installed';
  if (error.killed === true) return `systemd-notify did not end within ${TIMEOUT / 1000} s`;
  const said = stderr.trim();
  return said === '' ? toError(error).message : said;
}
