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
/** Samples of a role in a quarter of the time that say something. */
const ENOUGH = 5;

interface Allowed {
  /** The part of the samples below which the level lies that is compared. */
  readonly level: number;
  /** So many times the level of the second quarter and so much more may the last one have. */
  readonly rss: readonly [share: number, bytes: number];
  readonly files: readonly [share: number, count: number];
}

/**
 * The primary lives as long as the daemon; it also warms up, keeps a history, and has files for each worker. Routers and
 * workers are replaced, and are large for a while after a client that does not read: what counts is what they come back to.
 */
const ALLOWED: Readonly<Record<Role, Allowed>> = {
  primary: { level: 0.5, rss: [1.15, 8 * MIB], files: [1.5, 16] },
  router: { level: 0.25, rss: [1.5, 32 * MIB], files: [1.5, 16] },
  worker: { level: 0.25, rss: [1.5, 64 * MIB], files: [1.5, 16] },
};
export const ROLES = ['primary', 'router', 'worker'] as const satisfies readonly Role[];

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

  /** A sentence for each curve that rises: memory and files of each role. */
  rising(): string[] {
    return ROLES.flatMap((role) => {
      const { level, rss, files } = ALLOWED[role];
      return [
        ...this.#growth(role, 'memory', level, (sample) => sample.rss, rss, mib),
        ...this.#growth(role, 'open files', level, (sample) => sample.files, files, String),
      ];
    });
  }

  /** The largest process of a role, second by second. */
  largest(role: Role, value: (sample: Sample) => number): [at: number, largest: number][] {
    const bySecond = new Map<number, number>();
    for (const sample of this.samples) {
      if (sample.role !== role) continue;
      const at = Math.floor(sample.at);
      bySecond.set(at, Math.max(bySecond.get(at) ?? 0, value(sample)));
    }
    return [...bySecond];
  }

  #growth(role: Role, what: string, level: number, value: (sample: Sample) => number, [share, more]: readonly [number, number], format: (value: number) => string): string[] {
    const quarter = (this.samples.at(-1)?.at ?? 0) / 4;
    const part = (index: number): number[] =>
      this.samples.filter((sample) => sample.role === role && sample.at >= index * quarter && sample.at <= (index + 1) * quarter).map(value);
    const [second, last] = [part(1), part(3)];
    if (second.length < ENOUGH || last.length < ENOUGH) return [];
    const [early, late] = [quantile(second, level), quantile(last, level)];
    return late > early * share + more ? [`The ${what} of a ${role} grew from ${format(early)} in the second quarter to ${format(late)} in the last.`] : [];
  }

  /** Smallest, median and largest of a role. */
  range(role: Role, value: (sample: Sample) => number): [number, number, number] {
    const all = this.samples.filter((sample) => sample.role === role).map(value).sort((a, b) => a - b);
    return [all[0] ?? 0, quantile(all, 0.5), all.at(-1) ?? 0];
  }
}

function quantile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? 0;
}

export const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
