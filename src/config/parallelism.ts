import { readFileSync } from 'node:fs';
import { availableParallelism as processorsAllowed } from 'node:os';
import { dirname, join } from 'node:path';
import type { Config } from './options.js';

/** The text of a file, or null when there is none. */
type ReadFile = (path: string) => string | null;

const ROOT = '/sys/fs/cgroup';
/** A quota below one processor still needs one worker. */
const LEAST = 1;

/**
 * The processors that this process may use, and no more than the CPU quota of its control group (v1 or v2, the
 * tightest on the way to the root), which may be a part of one. Node 20 knows the first alone, and starts 64 workers
 * in a container that is given two of 64 processors.
 */
function processorsWithin(processors: number, readFile: ReadFile): number {
  const membership = readFile('/proc/self/cgroup') ?? '';
  const quotas = membership.split('\n').flatMap((line) => {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (line.startsWith('0::')) return ancestors(path).map((folder) => quotaV2(join(ROOT, folder), readFile));
    if (!controllers.split(',').includes('cpu')) return [];
    return [controllers, 'cpu'].flatMap((mount) => ancestors(path).map((folder) => quotaV1(join(ROOT, mount, folder), readFile)));
  });
  return Math.min(processors, ...quotas);
}

/** How many processes can really run at once: the processors and the quota, rounded up. */
export function parallelismWithin(processors: number, readFile: ReadFile): number {
  return Math.max(LEAST, Math.ceil(processorsWithin(processors, readFile)));
}

/** `parallelismWithin` for this process. */
export function availableParallelism(): number {
  return parallelismWithin(processorsAllowed(), readIfThere);
}

/** The processors that this process may use, or the part of one. */
export function availableProcessors(): number {
  return processorsWithin(processorsAllowed(), readIfThere);
}

/** The most workers that a config asks for. */
export function resolveWorkers({ maxWorkers }: Pick<Config, 'maxWorkers'>, parallelism = availableParallelism()): number {
  return maxWorkers === 'auto' ? parallelism : maxWorkers;
}

/** The fewest; the same as the most unless the fleet is to follow the load. */
export function resolveMinWorkers(config: Pick<Config, 'minWorkers' | 'maxWorkers'>, parallelism = availableParallelism()): number {
  return config.minWorkers === 'maxWorkers' ? resolveWorkers(config, parallelism) : config.minWorkers;
}

/** The group and all above it. Inside a container the upper ones may be out of sight; the root is always there. */
function ancestors(path: string): string[] {
  return path === '/' || path === '.' ? ['/'] : [path, ...ancestors(dirname(path))];
}

/** `cpu.max` holds quota and period in microseconds, or `max` for no quota. */
function quotaV2(folder: string, readFile: ReadFile): number {
  const [quota, period] = (readFile(join(folder, 'cpu.max')) ?? 'max').trim().split(/\s+/);
  return ratio(quota, period);
}

/** A quota of -1 is none. */
function quotaV1(folder: string, readFile: ReadFile): number {
  return ratio(readFile(join(folder, 'cpu.cfs_quota_us'))?.trim(), readFile(join(folder, 'cpu.cfs_period_us'))?.trim());
}

function ratio(quota: string | undefined, period: string | undefined): number {
  const processors = Number(quota) / Number(period);
  return Number.isFinite(processors) && processors > 0 ? processors : Infinity;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
