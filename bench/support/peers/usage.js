// What the kernel says of all the processes of a peer.
import { readFileSync } from 'node:fs';
import { memory } from '../process-usage.js';

/** Microseconds in one of the kernel's ticks, of which /proc/PID/stat counts. */
const TICK = 10_000;

/** CPU time, user and system, in microseconds; of threads that have ended too, which is why it comes in ticks. */
export function cpuOf(pids) {
  return sum(pids, (pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13);
    return (Number(user) + Number(system)) * TICK;
  });
}

/** PSS in MB: memory that processes share is divided among them. */
export const memoryOf = (pids) => sum(pids, (pid) => memory(pid).pss);

function sum(pids, figure) {
  return pids.map((pid) => orGone(() => figure(pid))).reduce((total, value) => total + value, 0);
}

/** A process may end between being listed and being read. */
function orGone(read) {
  try {
    return read();
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return 0;
    throw error;
  }
}
