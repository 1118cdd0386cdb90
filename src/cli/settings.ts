import { CONFIG_VARIABLE } from '../config/environment-values.js';
import { findConfigFile } from '../config/find-file.js';
import { loadConfigFile } from '../config/inspector.js';
import type { Config } from '../config/options.js';
import { availableParallelism } from '../config/parallelism.js';
import { resolveConfig, type Resolved } from '../config/resolve.js';
import { checkSignatureFiles } from '../config/signature-files.js';
import { validateConfig } from '../config/validate.js';
import { flagsGiven, type CommandOptions } from './flags.js';

export interface Settings extends Resolved {
  readonly config: Config;
  /** Absolute path, or null when flags and environment say it all. */
  readonly configFile: string | null;
  /** What is valid and probably not meant. */
  readonly warnings: readonly string[];
}

/**
 * The settings that a command line, the environment and the config file give together, checked. The file is read
 * in a child, for it may be code.
 *
 * @param options of a command that has the flags of `addConfigFlags`
 * @throws {DaemonError} E_CONFIG_FILE, E_CONFIG_KEY or E_CONFIG_VALUE
 */
export async function loadSettings(options: CommandOptions): Promise<Settings> {
  const cwd = process.cwd();
  const named = typeof options.config === 'string' ? options.config : process.env[CONFIG_VARIABLE];
  const configFile = findConfigFile({ cwd, explicit: named === '' ? undefined : named });
  const file = configFile === null ? null : { path: configFile, data: await loadConfigFile(configFile) };
  const resolved = resolveConfig({ file, env: process.env, flags: flagsGiven(options), cwd });
  return { ...resolved, configFile, warnings: [...validateConfig(resolved.config, availableParallelism()), ...checkSignatureFiles(resolved.config)] };
}
