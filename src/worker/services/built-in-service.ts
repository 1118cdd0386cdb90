/** Runs in workers and in the inspector: the form of the services that are the daemon's own. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';

/** A service of the daemon's own, ready for `server.addService(definition, implementation)`. */
export interface BuiltInService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}
