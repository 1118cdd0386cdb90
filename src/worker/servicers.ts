/** Runs in workers and in the inspector: loads the servicers and finds their hooks. */
import { dirname } from 'node:path';
import type { Server } from '@grpc/grpc-js';
import type { ModuleReference } from '../config/option-values.js';
import { DaemonError } from '../shared/errors.js';
import type { Exports } from './import-module.js';
import { exportNames, loadModule, locateModule, moduleName } from './load-module.js';

/** Adds services to the server; a promise that it returns is waited for. */
export type GrpcHook<Context> = (server: Server, context: Context) => unknown;

export interface Servicer<Context> {
  /** As people know the module. */
  readonly name: string;
  readonly hook: GrpcHook<Context>;
  /** The folder of its file, from which its own relative paths start. */
  readonly folder: string;
}

const HOOK_NAMES = ['grpcHook', 'grpc_hook'] as const;

/** Loads one after the other, in the order of the config. @throws {DaemonError} E_SERVICER */
export async function loadServicers<Context>(references: readonly ModuleReference[]): Promise<Servicer<Context>[]> {
  const servicers: Servicer<Context>[] = [];
  for (const reference of references) {
    const exports = await loadModule(reference, 'E_SERVICER');
    const folder = dirname(await locateModule(reference, 'E_SERVICER'));
    servicers.push({ name: moduleName(reference), hook: findHook(reference, exports), folder });
  }
  return servicers;
}

function findHook<Context>(reference: ModuleReference, exports: Exports): GrpcHook<Context> {
  const { exportName } = reference;
  if (exportName !== null) return hookNamed(reference, exports, exportName) ?? noHook(reference, exports, exportName);
  const byName = HOOK_NAMES.map((name) => hookNamed<Context>(reference, exports, name)).find((hook) => hook !== undefined);
  return byName ?? defaultHook(exports) ?? noHook(reference, exports, 'grpcHook');
}

function hookNamed<Context>(reference: ModuleReference, exports: Exports, name: string): GrpcHook<Context> | undefined {
  const hook = exports[name] ?? fieldOf(exports.default, name);
  if (hook === undefined) return undefined;
  if (typeof hook === 'function') return hook as GrpcHook<Context>;
  throw new DaemonError('E_SERVICER', `${moduleName(reference)}: its export ${name} must be a function; it is ${typeof hook}`);
}

/** A function, or (CommonJS translated from an ES module) the default export of the default export. */
function defaultHook<Context>({ default: exported }: Exports): GrpcHook<Context> | undefined {
  const hook = typeof exported === 'function' ? exported : fieldOf(exported, 'default');
  // Functions are not typed at run time; what it takes and returns is up to the user.
  return typeof hook === 'function' ? (hook as GrpcHook<Context>) : undefined;
}

/** A member of an exported object, bound to it, so that a servicer may be an instance of a class. */
function fieldOf(exported: unknown, name: string): unknown {
  if (typeof exported !== 'object' || exported === null) return undefined;
  const field = (exported as Record<string, unknown>)[name];
  return typeof field === 'function' ? (field.bind(exported) as unknown) : field;
}

function noHook(reference: ModuleReference, exports: Exports, name: string): never {
  throw new DaemonError('E_SERVICER', `${moduleName(reference)} exports no ${name}; ${exportNames(exports)}`);
}
