/** Runs in the inspector: what the servicers of a config would serve, without serving it. The other half is config/inspector.ts. */
import type { Config } from '../config/options.js';
import { systemClock } from '../shared/clock.js';
import { createLogger } from '../shared/logger.js';
import type { ServiceInfo } from '../shared/service-info.js';
import { loadInterceptors } from './load-interceptors.js';
import { runHooks } from './run-hooks.js';
import { ServiceRegistry } from './service-registry.js';
import { ServicerServer } from './servicer-server.js';
import { loadServicers } from './servicers.js';

export interface Description {
  readonly services: readonly ServiceInfo[];
  /** As the config lists them, outermost first. */
  readonly interceptors: readonly string[];
}

/**
 * Loads interceptors and servicers, runs the hooks on a server that listens nowhere, and reports.
 *
 * @throws {DaemonError} E_INTERCEPTOR, E_SERVICER, E_SERVICER_HOOK or E_SERVICER_TIMEOUT
 */
export async function describeServices(config: Config): Promise<Description> {
  const interceptors = await loadInterceptors(config.interceptors);
  const servicers = await loadServicers<HookContext>(config.servicers);
  const registry = new ServiceRegistry();
  const server = new ServicerServer({}, registry, (_kind, _path, handler) => handler);
  const context = hookContext(config);
  await runHooks({
    servicers,
    server,
    contextFor: () => context,
    timeout: config.startTimeout,
    clock: systemClock,
    onHook: (name) => {
      registry.adding = name;
    },
  });
  return { services: registry.list(), interceptors: interceptors.map(({ name }) => name) };
}

/** What a hook is given in an inspection: as in a worker, where slot and generation are still unknown. */
interface HookContext {
  readonly config: Config;
  readonly logger: ReturnType<typeof createLogger>['log'];
  readonly slot: number;
  readonly generation: number;
  readonly signal: AbortSignal;
  onShutdown(callback: () => unknown): void;
}

function hookContext(config: Config): HookContext {
  return {
    config,
    // The inspector's standard error; its standard output belongs to the command that asked.
    logger: createLogger({ level: config.log.level, format: 'json', fd: 2, identity: { role: 'inspector' } }).log,
    slot: 0,
    generation: 0,
    signal: new AbortController().signal,
    onShutdown: () => undefined,
  };
}
