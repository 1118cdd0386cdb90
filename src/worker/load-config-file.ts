/** Runs in the inspector: reads a config file of any format. */
import { statSync } from 'node:fs';
import { configData } from '../config/config-data.js';
import { displayPath } from '../config/origin.js';
import { DaemonError } from '../shared/errors.js';
import { fileProblem } from '../shared/file-problem.js';
import { importModule, type Exports } from './import-module.js';
import { explainLoadFailure } from './load-failure.js';
import { exportNames } from './load-module.js';
import { isDataFile, readDataFile } from './read-data-file.js';

/**
 * What the config file holds: of a module its default export, or the one named `config`; a function is called and
 * a promise awaited.
 *
 * @param file absolute path
 * @throws {DaemonError} E_CONFIG_FILE, or E_CONFIG_VALUE when it is not data
 */
export async function loadConfigFile(file: string): Promise<unknown> {
  const shown = displayPath(file, process.cwd());
  checkFile(file, shown);
  return configData(isDataFile(file) ? await readDataFile(file) : await runModule(file, shown), shown);
}

function checkFile(file: string, shown: string): void {
  try {
    if (!statSync(file).isDirectory()) return;
  } catch (error) {
    throw new DaemonError('E_CONFIG_FILE', `cannot read ${shown}: ${fileProblem(error)}`, {
      hint: 'The file is named by --config or GRPCSERVERD_CONFIG.',
      cause: error,
    });
  }
  throw new DaemonError('E_CONFIG_FILE', `cannot read ${shown}: it is a folder`, { hint: 'Name the file in it.' });
}

async function runModule(file: string, shown: string): Promise<unknown> {
  try {
    const exports = await importModule(file);
    const config = await pick(exports, shown);
    return typeof config === 'function' ? await (config as () => unknown)() : config;
  } catch (error) {
    if (error instanceof DaemonError) throw error;
    const { what, ...rest } = await explainLoadFailure(error, file);
    throw new DaemonError('E_CONFIG_FILE', `${shown} ${what}`, { ...rest, cause: error });
  }
}

function pick(exports: Exports, shown: string): unknown {
  const exported = 'default' in exports ? exports.default : exports.config;
  if (exported === undefined) {
    throw new DaemonError('E_CONFIG_FILE', `${shown} exports no config; ${exportNames(exports)}`, {
      hint: 'Write: export default { servicers: [...] }',
    });
  }
  // CommonJS that was translated from an ES module keeps its default export one level down.
  return isTranslated(exported) ? exported.default : exported;
}

const isTranslated = (exported: unknown): exported is { default: unknown } =>
  typeof exported === 'object' && exported !== null && '__esModule' in exported && 'default' in exported;
