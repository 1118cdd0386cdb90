/** Runs in workers and in the inspector: the server with everything that config and servicers add to it. */
import type { UntypedHandleCall } from '@grpc/grpc-js';
import type { Config } from '../config/options.js';
import { systemClock } from '../shared/clock.js';
import type { MethodKind, ServiceInfo } from '../shared/service-info.js';
import type { HandlerKind } from './calls/handler-call.js';
import { channelOptions } from './channel-options.js';
import { loadInterceptors, type LoadedInterceptor } from './load-interceptors.js';
import { runHooks } from './run-hooks.js';
import { ServiceRegistry, OURSELVES } from './service-registry.js';
import type { ServicerContext } from './servicer-context.js';
import { ServicerServer } from './servicer-server.js';
import { loadServicers, type Servicer } from './servicers.js';
import type { BuiltInService } from './services/built-in-service.js';
import { createChannelz } from './services/channelz.js';
import { DescriptorRegistry } from './services/descriptor-registry.js';
import { createHealth, type Health } from './services/health.js';
import { createLoadProto } from './services/load-proto.js';
import { createLoadReports, type LoadReports } from './services/load-reports.js';
import { createReflection } from './services/reflection.js';

export interface BuildOptions {
  readonly config: Config;
  /** Wraps each handler before it is registered. */
  readonly guard: (kind: HandlerKind, handler: UntypedHandleCall) => UntypedHandleCall;
  /** What hooks are given, but for what is theirs alone. */
  readonly context: Omit<ServicerContext, 'config' | 'loadProto'>;
  /** What to serve; when it is not given, the modules that the config names are loaded. */
  readonly modules?: Modules;
  /** When the start began that `startTimeout` limits, on the clock of performance.now(); 0 is the start of the process. */
  readonly startedAt?: number;
}

export interface Modules {
  readonly servicers: readonly Servicer<ServicerContext>[];
  /** Outermost first. */
  readonly interceptors: readonly LoadedInterceptor[];
}

export interface BuiltServer {
  readonly server: ServicerServer;
  /** What the servicers added, in that order. */
  readonly services: readonly ServiceInfo[];
  /** Every method that it serves, our own included. */
  readonly methods: Iterable<readonly [path: string, kind: MethodKind]>;
  /** As the config lists them, outermost first. */
  readonly interceptors: readonly LoadedInterceptor[];
  /** Served to clients only when the option says so. */
  readonly health: Health;
  /** Null when they are not served. */
  readonly loadReports: LoadReports | null;
}

/** @throws DaemonError E_INTERCEPTOR, E_SERVICER, E_SERVICER_HOOK or E_SERVICER_TIMEOUT */
export async function buildServer({ config, guard, context, modules, startedAt = 0 }: BuildOptions): Promise<BuiltServer> {
  const { interceptors, servicers } = modules ?? (await loadModules(config));
  const registry = new ServiceRegistry();
  const descriptors = new DescriptorRegistry();
  const server = new ServicerServer(channelOptions(config), registry, guard);
  await runHooks({
    servicers,
    server,
    contextFor: ({ folder }) => ({ ...context, config, loadProto: createLoadProto(descriptors, folder) }),
    timeout: Math.max(0, config.startTimeout * HOOK_SHARE - (performance.now() - startedAt)),
    clock: systemClock,
    onHook: (name) => {
      registry.adding = name;
    },
  });
  registry.adding = OURSELVES;
  const onProblem = (problem: string): void => context.logger.warn(`reflection: ${problem}`);
  // Not from every worker: it is the same for all.
  if (server.unhandled.length > 0 && context.slot === 0) context.logger.warn(`no handler for ${server.unhandled.join(', ')}: calls get UNIMPLEMENTED`);
  const services = registry.list();
  const health = createHealth(services.map(({ name }) => name));
  const loadReports = config.loadReports ? createLoadReports() : null;
  const builtIn: BuiltInService[] = [
    ...(config.health ? [health] : []),
    ...(loadReports === null ? [] : [loadReports]),
    ...(config.channelz ? [createChannelz()] : []),
    ...(config.reflection ? createReflection({ services: () => server.definitions, registry: descriptors, onProblem }) : []),
  ];
  for (const { definition, implementation } of builtIn) server.addService(definition, implementation);
  return { server, services, methods: registry.paths(), interceptors, health, loadReports };
}

async function loadModules(config: Config): Promise<Modules> {
  const interceptors = await loadInterceptors(config.interceptors);
  return { interceptors, servicers: await loadServicers<ServicerContext>(config.servicers) };
}

/** Of startTimeout; the rest is for saying which hook is late. */
const HOOK_SHARE = 0.9;
