/** Runs in the primary. The routers that the config asks for: those of `balance: rpc`, else none. */
import { forkChild } from '../fork.js';
import { linkPath } from '../runtime-folder.js';
import { RouterFleet, type RouterFleetOptions } from './router-fleet.js';

export interface RoutersParts extends Omit<RouterFleetOptions, 'random' | 'fork' | 'linkPath'> {
  /** The daemon's runtime folder, which is nobody's but ours. */
  readonly folder: string;
  readonly logFd: number;
}

export function openRouters({ folder, logFd, ...parts }: RoutersParts): RouterFleet | null {
  if (parts.config.balance === 'connection') return null;
  return new RouterFleet({
    ...parts,
    random: Math.random,
    // The nodeArguments are for user code, of which there is none.
    fork: () => forkChild('router', { nodeArguments: [], logFd }),
    linkPath: (worker) => linkPath(folder, worker),
  });
}
