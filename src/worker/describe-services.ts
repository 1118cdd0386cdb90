/** Runs in the inspector: what the servicers of a config would serve, without serving it. The other half is config/inspector.ts. */
import type { Config } from '../config/options.js';
import { readSignature } from '../config/signature-data.js';
import { createLogger } from '../shared/logger.js';
import type { ServiceInfo } from '../shared/service-info.js';
import { buildServer } from './build-server.js';

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
  const { services, interceptors } = await buildServer({
    config,
    guard: (_kind, handler) => handler,
    // As in a worker, where slot and generation are still unknown.
    context: {
      // The inspector's standard error; its standard output belongs to the command that asked.
      logger: createLogger({ level: config.log.level, format: 'json', fd: 2, identity: { role: 'inspector' } }).log,
      slot: 0,
      generation: 0,
      signal: new AbortController().signal,
      onShutdown: () => undefined,
    },
  });
  // Complains of the files of signatureData as a start would.
  readSignature(config);
  return { services, interceptors: interceptors.map(({ name }) => name) };
}
