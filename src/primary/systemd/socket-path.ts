/** Runs in the primary. The path of a unix socket that somebody else has bound, which Node cannot tell. */
import { fstatSync, readFileSync } from 'node:fs';

/** Null where the system does not tell it either. */
export function socketPath(fd: number): string | null {
  try {
    const inode = String(fstatSync(fd).ino);
    // proc_net(5), unix: the seventh field is the inode, the eighth the path.
    for (const line of readFileSync('/proc/self/net/unix', 'utf8').split('\n')) {
      const fields = line.split(' ').filter((field) => field !== '');
      if (fields[6] === inode) return fields.slice(7).join(' ') || null;
    }
  } catch {
    // No such page here.
  }
  return null;
}
