import { statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { DaemonError } from '../shared/errors.js';
import { displayPath } from './origin.js';

/** What a config file may end in; the first ones are looked for first. */
export const CONFIG_EXTENSIONS = ['.ts', '.mts', '.js', '.mjs', '.cjs', '.json', '.yaml', '.yml', '.toml'] as const;

/** Where a config file is looked for when none is named: the first place that has one counts. */
export const CONFIG_PLACES = ['grpcserverd.config', 'config/grpcserverd', '/etc/grpcserverd/config'] as const;

interface Search {
  readonly cwd: string;
  /** The file named by `--config`, else by GRPCSERVERD_CONFIG. */
  readonly explicit?: string | undefined;
  readonly places?: readonly string[];
}

/** The absolute path of the config file, or null when there is none; E_CONFIG_FILE when two are in one place. */
export function findConfigFile({ cwd, explicit, places = CONFIG_PLACES }: Search): string | null {
  if (explicit !== undefined) return checkExtension(resolve(cwd, explicit), cwd);
  for (const place of places) {
    const found = CONFIG_EXTENSIONS.map((extension) => resolve(cwd, place + extension)).filter(isFile);
    if (found.length > 1) {
      const names = found.map((path) => basename(path)).join(' and ');
      throw new DaemonError('E_CONFIG_FILE', `there are two config files in ${dirname(found[0] ?? '')}: ${names}`, {
        hint: 'Remove one of them, or name the one that counts with --config.',
      });
    }
    if (found[0] !== undefined) return found[0];
  }
  return null;
}

function checkExtension(path: string, cwd: string): string {
  if (CONFIG_EXTENSIONS.some((extension) => extension === extname(path))) return path;
  throw new DaemonError('E_CONFIG_FILE', `${displayPath(path, cwd)} is no config file: its name must end in ${CONFIG_EXTENSIONS.join(', ')}`);
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // A folder that this user may not enter holds no config for this user.
    return false;
  }
}
