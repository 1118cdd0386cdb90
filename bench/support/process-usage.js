// What the kernel says of a process. Linux only.
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of all threads so far, user and system, in microseconds. Finer than the 10 ms ticks of /proc/PID/stat. NaN of no process. */
export function cpuTime(pid) {
  if (pid === undefined) return NaN;
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1000)
    .reduce((sum, micros) => sum + micros, 0);
}

/**
 * Resident memory in MB: `rss` counts shared pages in full, `pss` divides them among the processes that share them,
 * `peak` is the largest rss so far. NaN of no process.
 */
export function memory(pid) {
  if (pid === undefined) return { rss: NaN, pss: NaN, peak: NaN };
  const field = (file, name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))[1]) / 1024;
  return { rss: field('smaps_rollup', 'Rss'), pss: field('smaps_rollup', 'Pss'), peak: field('status', 'VmHWM') };
}
