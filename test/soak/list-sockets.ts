import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { systemCode } from '#src/shared/errors.js';

/** What `ss` says of the TCP sockets that its filter matches: in each line the bytes that wait to be read, and those to be sent, after the state. */
export async function listSockets(filter: string): Promise<string> {
  try {
    return (await promisify(execFile)('ss', ['-Htnp', filter])).stdout;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new Error('A connection seems to stand still, and there is no ss (Debian: iproute2) to tell which side of it does.', { cause: error });
  }
}
