/** Runs in workers and in the inspector: loads a module that the config names. */
import { existsSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ModuleReference } from '../config/option-values.js';
import { displayPath } from '../config/origin.js';
import { DaemonError } from '../shared/errors.js';
import { importModule, loadJiti, type Exports } from './import-module.js';
import { explainLoadFailure } from './load-failure.js';

export type ModuleErrorCode = 'E_SERVICER' | 'E_INTERCEPTOR';

const OWN_PACKAGE = /^grpcserverd(?:\/|$)/;

/**
 * The exports of the module. A package is looked up from the folder of the config that names it, then from the
 * current one; what begins with `grpcserverd` is always this very package.
 *
 * @param code the error that is thrown when it cannot be loaded
 */
export async function loadModule(reference: ModuleReference, code: ModuleErrorCode): Promise<Exports> {
  if (OWN_PACKAGE.test(reference.module)) return importOwn(reference.module, code);
  const file = await locateModule(reference, code);
  const shown = moduleName(reference);
  const kind = statSync(file, { throwIfNoEntry: false });
  if (kind === undefined) throw new DaemonError(code, `${shown}: there is no such file`, { hint: 'Relative paths start from the folder of the config file.' });
  if (kind.isDirectory()) throw new DaemonError(code, `${shown} is a folder`, { hint: 'Name the file in it.' });
  try {
    return await importModule(file);
  } catch (error) {
    const { what, ...rest } = await explainLoadFailure(error, file);
    throw new DaemonError(code, `${shown} ${what}`, { ...rest, cause: error });
  }
}

/** The file of a module, as an absolute path; it may not be there. */
export async function locateModule(reference: ModuleReference, code: ModuleErrorCode): Promise<string> {
  return isAbsolute(reference.module) ? sourceOrCompiled(reference.module) : findPackage(reference, code);
}

/**
 * The file, or what it was compiled to or from: where there is no `greeter.ts`, `greeter.js` stands for it, and the
 * other way round. So one config serves the sources, and copied with the compiled files beside them, those.
 */
function sourceOrCompiled(file: string): string {
  const other = file.replace(/\.([mc]?)([tj])s$/, (_, kind: string, language: string) => `.${kind}${language === 't' ? 'j' : 't'}s`);
  return !existsSync(file) && existsSync(other) ? other : file;
}

/** The module as people know it: a path relative to the current folder where possible, or the package name. */
export function moduleName({ module }: ModuleReference): string {
  return isAbsolute(module) ? displayPath(module, process.cwd()) : module;
}

/** The names that a module exports, for "it exports: a, b". */
export function exportNames(exports: Exports): string {
  const names = Object.keys(exports).filter((name) => name !== '__esModule' && name !== 'module.exports');
  return names.length === 0 ? 'it exports nothing' : `it exports: ${names.join(', ')}`;
}

async function importOwn(name: string, code: ModuleErrorCode): Promise<Exports> {
  try {
    return (await import(name)) as Exports;
  } catch (cause) {
    throw new DaemonError(code, `this version of grpcserverd has no module "${name}"`, { cause });
  }
}

async function findPackage(reference: ModuleReference, code: ModuleErrorCode): Promise<string> {
  const { module, from = process.cwd() } = reference;
  const jiti = await loadJiti();
  for (const folder of new Set([from, process.cwd()])) {
    const url = jiti.esmResolve(module, { parentURL: pathToFileURL(`${folder}/`).href, try: true });
    if (url?.startsWith('file:') === true) return fileURLToPath(url);
  }
  const sibling = existsSync(resolve(from, module));
  throw new DaemonError(code, `the package "${module}" was not found from ${from}`, {
    hint: sibling ? `Did you mean "./${module}"? A path begins with ./` : 'Install it there, or give the path of a file, which begins with ./',
  });
}
