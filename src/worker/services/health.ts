/** Runs in workers and in the inspector: grpc.health.v1, with the package grpc-health-check. */
import { createRequire } from 'node:module';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { HealthImplementation as Implementation, ServingStatus } from 'grpc-health-check';
import type { BuiltInService } from './built-in-service.js';

export interface Health extends BuiltInService {
  /** Everything answers SERVING from now on; open Watch calls are told. */
  setServing(): void;
  /** Everything answers NOT_SERVING from now on; open Watch calls are told. They stay open until somebody ends them. */
  setNotServing(): void;
}

/**
 * Check, Watch and List, for the whole server (the empty name) and for each service; NOT_SERVING at first.
 * @param serviceNames Full names. Read again by each setter, so that a service added late is known from then on.
 */
export function createHealth(serviceNames: Iterable<string>): Health {
  // The package reads and parses its .proto file when it is loaded.
  const require = createRequire(import.meta.url);
  const { HealthImplementation, service } = require('grpc-health-check') as typeof import('grpc-health-check');
  const health = new HealthImplementation();
  const set = (status: ServingStatus): void => {
    for (const name of ['', ...serviceNames]) health.setStatus(name, status);
  };
  set('NOT_SERVING');
  return {
    definition: service,
    implementation: handlersOf(health),
    setServing: () => set('SERVING'),
    setNotServing: () => set('NOT_SERVING'),
  };
}

/** The package gives its handlers to a server and to nobody else. */
function handlersOf(health: Implementation): UntypedServiceImplementation {
  let handlers: UntypedServiceImplementation = {};
  health.addToServer({ addService: (_service, implementation) => (handlers = implementation) });
  return handlers;
}
