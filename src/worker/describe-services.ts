/** Runs in the inspector: what the servicers of a config would serve, without serving it. The other half is config/inspector.ts. */
import { Server } from '@grpc/grpc-js';
import type { Config } from '../config/options.js';
import { systemClock } from '../shared/clock.js';
import { createLogger } from '../shared/logger.js';
import type { ServiceInfo } from '../shared/service-info.js';
import { loadInterceptors } from './load-interceptors.js';
import { runHooks } from './run-hooks.js';
import { ServiceRegistry } from './service-registry.js';
import { loadServicers } from './servicers.js';

export interface Description {
  readonly services: readonly ServiceInfo[];
  /** As the config lists them, outermost first. */
  readonly interceptors: readonly string[];
}

/**
 * Loads interceptors and servicers, runs the hooks on a server that listens nowhere, and reports.
 *
 * @throws {DaemonError} E_INTERCEPTOR, E_SERVICER or E_SERVICER_TIMEOUT
 */
export async function describeServices(config: Config): Promise<Description> {
  const interceptors = await loadInterceptors(config.interceptors);
  const servicers = await loadServicers<HookContext>(config.servicers);
  const registry = new ServiceRegistry();
  const server = new DescribedServer(registry);
  await runHooks({
    servicers,
    server,
    context: hookContext(config),
    timeout: config.startTimeout,
    clock: systemClock,
    onHook: (name) => {
      registry.servicer = name;
    },
  });
  return { services: registry.list(), interceptors: interceptors.map(({ name }) => name) };
}

/** A server of grpc-js that tells a registry what is added to it. */
class DescribedServer extends Server {
  readonly #registry: ServiceRegistry;

  constructor(registry: ServiceRegistry) {
    super();
    this.#registry = registry;
  }

  override register<Req, Res>(...args: Parameters<typeof Server.prototype.register<Req, Res>>): boolean {
    const [path, , , , type] = args;
    this.#registry.add(path, type);
    return super.register(...args);
  }
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
