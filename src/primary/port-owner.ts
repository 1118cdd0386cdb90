/** Runs in the primary. Who listens on a TCP port of this machine, as far as /proc tells this user. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTEN = '0A';

/** `node (pid 123)`, or null when it cannot be told. */
export function describePortOwner(port: number): string | null {
  const inodes = new Set([...listeningInodes('/proc/net/tcp', port), ...listeningInodes('/proc/net/tcp6', port)]);
  if (inodes.size === 0) return null;
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of entries(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined && inodes.has(inode)) return `${read(`/proc/${pid}/comm`).trim()} (pid ${pid})`;
    }
  }
  return null;
}

/** Inodes of the sockets in a table like /proc/net/tcp that listen on the port. */
function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return read(table)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTEN && local?.split(':')[1] === wanted)
    .map((columns) => columns[9] ?? '');
}

// What another user's process hides, or what has just ended, is simply not there.
const quietly = <T>(fallback: T, look: () => T): T => {
  try {
    return look();
  } catch {
    return fallback;
  }
};
const entries = (folder: string): string[] => quietly([], () => readdirSync(folder));
const link = (path: string): string => quietly('', () => readlinkSync(path));
const read = (path: string): string => quietly('', () => readFileSync(path, 'utf8'));
