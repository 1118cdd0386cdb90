/** Runs in workers and in the inspector: whether the handlers that a servicer gives fit the methods of the service. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { nearest } from '../config/nearest.js';
import { isPlainRecord } from '../config/plain-data.js';
import { DaemonError } from '../shared/errors.js';

/**
 * The methods that have no handler; grpc-js answers their calls with UNIMPLEMENTED.
 * @throws DaemonError E_SERVICER when a handler has no method, or is no function
 */
export function checkHandlers(definition: ServiceDefinition, implementation: UntypedServiceImplementation): string[] {
  const methods = Object.entries(definition).map(([name, method]) => ({ names: [name, method.originalName ?? name], path: method.path }));
  const service = methods[0]?.path.split('/')[1] ?? '';
  const missing = methods.filter(({ names }) => names.every((name) => (implementation as Readonly<Record<string, unknown>>)[name] === undefined));
  for (const [name, handler] of Object.entries(implementation) as [string, unknown][]) {
    const isMethod = methods.some(({ names }) => names.includes(name));
    if (isMethod && typeof handler !== 'function') {
      throw new DaemonError('E_SERVICER', `the handler ${name} of ${service} is no function but ${handler === null ? 'null' : typeof handler}`);
    }
    // The fields of an instance may be its own affair.
    if (!isMethod && typeof handler === 'function' && isPlainRecord(implementation)) throw noMethod(name, service, methods, missing);
  }
  return missing.map(({ names: [name = ''] }) => name);
}

interface Method {
  readonly names: readonly string[];
}

function noMethod(name: string, service: string, methods: readonly Method[], missing: readonly Method[]): DaemonError {
  // What lacks a handler is more likely meant than what has one.
  const meant = nearest(name, missing.flatMap(({ names }) => names)) ?? nearest(name, methods.flatMap(({ names }) => names));
  const all = methods.map(({ names }) => names[0]).join(', ');
  return new DaemonError('E_SERVICER', `the service ${service} has no method ${name}, for which there is a handler`, {
    hint: meant === undefined ? `Its methods: ${all}. A function that is none of them belongs outside of the handlers.` : `Did you mean ${meant}?`,
  });
}
