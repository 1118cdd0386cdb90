// Memory and open files of every process of a daemon, second by second.
import { readFileSync } from 'node:fs';
import { openFiles } from '../support/processes.js';

export type Role = 'primary' | 'router' | 'worker';

export interface Sample {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly role: Role;
  readonly pid: number;
  readonly rss: number;
  readonly files: number;
}

const MIB = 2 ** 20;
/** What the primary may have more in its last quarter than in its second one: it also warms up, and keeps a history. */
const ALLOWED_GROWTH = { share: 0.15, bytes: 8 * MIB };

export class Curves {
  readonly samples: Sample[] = [];
  readonly #startedAt = performance.now();

  take(pids: readonly number[]): void {
    const at = (performance.now() - this.#startedAt) / 1000;
    for (const pid of pids) {
      // It may end while it is looked at.
      try {
        const role = /grpcserverd: (primary|router|worker)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))?.[1] as Role | undefined;
        const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
        if (role !== undefined) this.samples.push({ at, role, pid, rss: pages * 4096, files: openFiles(pid) });
      } catch {
        continue;
      }
    }
  }

  /** A sentence for each curve that rises; of the primary, the only process that lives as long as the daemon. */
  rising(): string[] {
    const primary = this.samples.filter(({ role }) => role === 'primary');
    const quarter = Math.floor(primary.length / 4);
    if (quarter < 5) return [];
    const early = median(primary.slice(quarter, 2 * quarter).map(({ rss }) => rss));
    const late = median(primary.slice(-quarter).map(({ rss }) => rss));
    const limit = early * (1 + ALLOWED_GROWTH.share) + ALLOWED_GROWTH.bytes;
    return late > limit ? [`The primary grew from ${mib(early)} in the second quarter to ${mib(late)} in the last.`] : [];
  }

  /** Smallest, median and largest of a role. */
  range(role: Role, value: (sample: Sample) => number): [number, number, number] {
    const all = this.samples.filter((sample) => sample.role === role).map(value).sort((a, b) => a - b);
    return [all[0] ?? 0, median(all), all.at(-1) ?? 0];
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
