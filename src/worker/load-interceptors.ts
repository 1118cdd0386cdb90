/** Runs in workers and in the inspector: loads the interceptors that the config lists. */
import type { ServerInterceptor } from '@grpc/grpc-js';
import type { ModuleReference } from '../config/option-values.js';
import { DaemonError, toError } from '../shared/errors.js';
import type { Exports } from './import-module.js';
import { placeInStack, show, userStack } from './load-failure.js';
import { exportNames, loadModule, moduleName } from './load-module.js';

export interface LoadedInterceptor {
  /** Module, and export if one was named. */
  readonly name: string;
  readonly interceptor: ServerInterceptor;
}

/** Loads one after the other, in the order of the config. @throws {DaemonError} E_INTERCEPTOR */
export async function loadInterceptors(references: readonly ModuleReference[]): Promise<LoadedInterceptor[]> {
  const loaded: LoadedInterceptor[] = [];
  for (const reference of references) {
    const name = interceptorName(reference);
    const exported = pick(reference, name, await loadModule(reference, 'E_INTERCEPTOR'));
    const interceptor = reference.options === undefined ? exported : await make(name, exported, reference.options);
    loaded.push({ name, interceptor: asInterceptor(interceptor, name, reference.options !== undefined) });
  }
  return loaded;
}

function interceptorName(reference: ModuleReference): string {
  const { exportName } = reference;
  return exportName === null ? moduleName(reference) : `${moduleName(reference)}#${exportName}`;
}

function pick({ exportName }: ModuleReference, name: string, exports: Exports): unknown {
  const wanted = exportName ?? 'default';
  const nested = exports.default as Record<string, unknown> | null | undefined;
  // What CommonJS exports is the default export; its members count as exports of the module.
  const exported = typeof nested === 'object' ? (nested?.[wanted] ?? exports[wanted]) : exports[wanted];
  if (exported !== undefined) return exported;
  throw new DaemonError('E_INTERCEPTOR', `${name}: there is no ${exportName === null ? 'default export' : `export ${exportName}`}; ${exportNames(exports)}`, {
    hint: 'Name the export after the module: "./module.js#exportName"',
  });
}

async function make(name: string, factory: unknown, options: Readonly<Record<string, unknown>>): Promise<unknown> {
  if (typeof factory !== 'function') return refuse(name, 'it must be a function that takes the options and returns the interceptor', factory);
  try {
    return await (factory as (options: unknown) => unknown)(options);
  } catch (thrown) {
    const error = toError(thrown);
    const place = placeInStack(error);
    throw new DaemonError('E_INTERCEPTOR', `${name}: ${place === undefined ? '' : `at ${show(place)}: `}${error.message}`, {
      detail: userStack(error),
      cause: thrown,
    });
  }
}

function asInterceptor(value: unknown, name: string, isMade: boolean): ServerInterceptor {
  const subject = isMade ? 'what it returned' : 'it';
  if (typeof value !== 'function') return refuse(name, `${subject} is no interceptor: it must be a function`, value);
  if (value.toString().startsWith('class ')) return refuse(name, `${subject} is a class; an interceptor is a function`);
  // grpc-js types interceptors by their parameters, which nothing can check before the first call.
  return value as ServerInterceptor;
}

function refuse(name: string, what: string, value?: unknown): never {
  throw new DaemonError('E_INTERCEPTOR', `${name}: ${what}${value === undefined ? '' : `; it is ${value === null ? 'null' : typeof value}`}`);
}
