/** Runs in the primary. Says, once, that the fleet of the first start is ready: in the log, and to a person at the terminal. */
import type { Config } from '../config/options.js';
import { describeCallShares } from '../shared/call-shares.js';
import type { Emit } from '../shared/events.js';
import type { Ports } from './ports.js';
import type { Supervisor } from './supervisor.js';
import { welcome } from './welcome.js';

export interface ReadyFacts {
  readonly emit: Emit;
  readonly config: Config;
  readonly configFile: string | null;
  readonly ports: Ports;
  readonly tls: boolean;
  readonly supervisor: Supervisor;
  /** Milliseconds since the start. */
  readonly bootMs: number;
  /** Whether a person reads along. */
  readonly isWatched: boolean;
}

export function announceReady({ emit, config, configFile, ports, tls, supervisor, bootMs, isWatched }: ReadyFacts): void {
  const workers = supervisor.workers.filter(({ state }) => state === 'ready');
  const services = workers[0]?.services ?? [];
  const { maximumConcurrentRpcs } = config;
  const callLimit = maximumConcurrentRpcs === null ? null : describeCallShares(maximumConcurrentRpcs, supervisor.plan.goal.workers);
  emit('daemon.ready', {
    address: ports.address,
    port: ports.port,
    tls,
    workers: workers.length,
    services: services.map(({ name }) => name),
    bootMs: Math.round(bootMs),
    callLimit,
  });
  if (isWatched) process.stdout.write(welcome({ config, configFile, ports, tls, services, workers, callLimit }));
}
