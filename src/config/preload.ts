import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DaemonError, systemCode } from '../shared/errors.js';
import type { ModuleReference } from './option-values.js';

/**
 * The arguments of node that load the modules of `preload` before anything else. Nothing is loaded here.
 *
 * @throws {DaemonError} E_CONFIG_VALUE for a module that is not there
 */
export function preloadArguments(modules: readonly ModuleReference[]): string[] {
  return modules.flatMap((module) => ['--import', locate(module)]);
}

function locate({ module, from }: ModuleReference): string {
  if (from === undefined) {
    if (existsSync(module)) return pathToFileURL(module).href;
    throw new DaemonError('E_CONFIG_VALUE', `preload: there is no file ${module}`, { hint: 'Mend the path; it is relative to the config file.' });
  }
  try {
    return pathToFileURL(createRequire(join(from, 'config')).resolve(module)).href;
  } catch (error) {
    const isHidden = systemCode(error) === 'ERR_PACKAGE_PATH_NOT_EXPORTED';
    throw new DaemonError('E_CONFIG_VALUE', `preload: the package ${module} ${isHidden ? 'has no such entry for require()' : `is not installed where ${from} would find it`}`, {
      cause: error,
      hint: isHidden ? 'Name its file by its path: ./node_modules/...' : 'Install it, or name a file by its path: ./telemetry.js',
    });
  }
}
