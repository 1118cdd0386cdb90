/**
 * Runs in a primary that is PID 1, as in a container without an init. There the system gives it the processes whose
 * parents have ended; when such a process ends itself it stays, as a zombie, for Node takes away only its own children.
 * All that can be done about it here is to say so.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Clock } from '../shared/clock.js';
import type { Emit } from '../shared/events.js';

/** Between two looks, in milliseconds; a child of ours that has ended is taken away in much less. */
export const ZOMBIE_INTERVAL = 3000;
/** Names that are told. */
const MOST_NAMES = 5;

export interface Zombie {
  readonly pid: number;
  /** As ps shows it, without its arguments, which are gone. */
  readonly name: string;
}

export interface ZombieWatchParts {
  readonly clock: Clock;
  readonly emit: Emit;
  /** The children of this process that have ended and are still there. */
  readonly look?: () => readonly Zombie[];
}

export class ZombieWatch {
  readonly #parts: Required<ZombieWatchParts>;
  #before = new Set<number>();
  #cancel: () => void = () => undefined;

  constructor(parts: ZombieWatchParts) {
    this.#parts = { look: zombies, ...parts };
    this.#lookLater();
  }

  /** One for a primary that may get zombies; null for all others. @param pid of this process */
  static open(pid: number, parts: ZombieWatchParts): ZombieWatch | null {
    return pid === 1 && isProcOurs() ? new ZombieWatch(parts) : null;
  }

  close(): void {
    this.#cancel();
  }

  #lookLater(): void {
    this.#cancel = this.#parts.clock.after(ZOMBIE_INTERVAL, () => this.#look());
  }

  #look(): void {
    const { look, emit } = this.#parts;
    const found = look();
    // What is there at two looks nobody takes away.
    const staying = found.filter(({ pid }) => this.#before.has(pid));
    this.#before = new Set(found.map(({ pid }) => pid));
    if (staying.length === 0) this.#lookLater();
    else emit('daemon.zombies', { count: staying.length, processes: staying.slice(0, MOST_NAMES).map(({ pid, name }) => `${name} (${pid})`), hint: HINT });
  }
}

const HINT = 'Run the container with an init: docker run --init, init: true in a compose file, or tini as its entry point.';

/** Whether /proc tells of the PIDs that this process knows. */
function isProcOurs(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
}

function zombies(): Zombie[] {
  return readdirSync('/proc').flatMap((entry) => {
    // proc_pid_stat(5): pid (name) state parent...; the name may hold anything.
    const [, name, state, parent] = /^\d+ \((.*)\) (\S) (\d+) /s.exec(/^\d+$/.test(entry) ? readStat(entry) : '') ?? [];
    return state === 'Z' && Number(parent) === process.pid && name !== undefined ? [{ pid: Number(entry), name }] : [];
  });
}

/** Empty for a process that is gone by now. */
function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}
