// What a container is made of, piece by piece: namespaces, mounts and control groups.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { BIN } from './paths.js';

type Launcher = readonly [string, ...string[]];

const START = [process.execPath, BIN, 'start'] as const;

/** Starts the bin as PID 1 of a PID namespace, with the /proc of that. */
export const AS_PID_1: Launcher = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL', ...START];

/** Starts the bin where nothing can be written but what is below `writable`, which is empty there. */
export function withReadOnlyRoot(writable: string): Launcher {
  const script = [
    'mount --make-rprivate /',
    `mount -t tmpfs tmpfs '${writable}'`,
    // Other file systems than the root's, but for those of the kernel and the one above.
    `for at in / /tmp /var/tmp /home; do mountpoint -q "$at" && mount -o remount,bind,ro "$at"; done`,
    'exec "$0" "$@"',
  ];
  return ['unshare', '--mount', 'sh', '-ec', script.join('\n'), ...START];
}

/** Why no namespaces can be made here; false when they can. What the kernel forbids to CI, too, no package can give. */
export const noNamespaces: string | false = whyNoNamespaces();

function whyNoNamespaces(): string | false {
  const { status } = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'mount', '--make-rprivate', '/'], { stdio: 'ignore', timeout: 10_000 });
  return status === 0 ? false : 'this machine lets this user make no namespaces (it takes root, and util-linux)';
}

/** The first process that `unshare` has started. */
export function childOf(pid: number): number {
  const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return Number(child);
}

/** Where control groups may be, and how their quota of one processor is written. */
const CGROUPS = [
  { root: '/sys/fs/cgroup', file: 'cpu.max', text: '100000 100000' },
  { root: '/sys/fs/cgroup/cpu', file: 'cpu.cfs_quota_us', text: '100000' },
  { root: '/sys/fs/cgroup/cpu,cpuacct', file: 'cpu.cfs_quota_us', text: '100000' },
] as const;

/** A control group with a CPU quota of one processor, and one in it for a daemon, which has no quota itself. */
export class QuotaOfOne implements Disposable {
  readonly #outer: string;

  private constructor(outer: string) {
    this.#outer = outer;
  }

  /** Null where this user can make none. */
  static make(): QuotaOfOne | null {
    for (const { root, file, text } of CGROUPS) {
      const quota = new QuotaOfOne(`${root}/grpcserverd-test-${randomUUID()}`);
      try {
        mkdirSync(quota.#outer);
        // The kernel makes the files of a group; one that is not there is no controller of it.
        if (!existsSync(`${quota.#outer}/${file}`)) throw new Error('no such controller');
        writeFileSync(`${quota.#outer}/${file}`, text);
        mkdirSync(quota.#inner);
        return quota;
      } catch {
        quota[Symbol.dispose]();
      }
    }
    return null;
  }

  get #inner(): string {
    return `${this.#outer}/inner`;
  }

  get launcher(): Launcher {
    return ['sh', '-ec', `echo $$ >'${this.#inner}/cgroup.procs'; exec "$0" "$@"`, ...START];
  }

  [Symbol.dispose](): void {
    for (const folder of [this.#inner, this.#outer]) {
      if (existsSync(folder)) rmdirSync(folder);
    }
  }
}
