/** Runs in the primary. Says, once, that the whole fleet of the first start is ready: in the log, and to a person at a terminal. */
import type { Config } from '../config/options.js';
import { describeCallShares } from '../shared/call-shares.js';
import type { Emit } from '../shared/events.js';
import type { Ports } from './ports.js';
import { welcome } from './welcome.js';
import type { WorkerHandle } from './worker-handle.js';

export interface ReadyFacts {
  readonly emit: Emit;
  /** Writes to a person's terminal; null when there is none. */
  readonly terminal: ((text: string) => void) | null;
  readonly config: Config;
  readonly configFile: string | null;
  readonly ports: Pick<Ports, 'address' | 'port'>;
  readonly tls: boolean;
  /** That are wanted. */
  readonly goal: number;
  readonly workers: readonly WorkerHandle[];
  /** In milliseconds. */
  readonly bootMs: number;
}

export function announceReady({ emit, terminal, config, configFile, ports, tls, goal, workers, bootMs }: ReadyFacts): void {
  const ready = workers.filter(({ state }) => state === 'ready');
  const services = ready[0]?.services ?? [];
  const { maximumConcurrentRpcs, balance } = config;
  const callLimit = maximumConcurrentRpcs === null ? null : describeCallShares(maximumConcurrentRpcs, balance === 'rpc' ? 1 : goal);
  const { address, port } = ports;
  emit('daemon.ready', { address, port, tls, workers: ready.length, services: services.map(({ name }) => name), bootMs: Math.round(bootMs), callLimit });
  terminal?.(welcome({ config, configFile, ports, tls, services, workers: ready, callLimit }));
}
