import type { Given } from './given.js';
import { ENVIRONMENT_PREFIX, environmentName } from './key-spelling.js';
import { OPTION_KEYS, type OptionKey } from './options.js';
import type { Problem } from './problem.js';
import { readText } from './read-text.js';
import { suggestVariable } from './suggest-key.js';

/** Names the config file; the one variable of ours that is no option. */
export const CONFIG_VARIABLE = 'GRPCSERVERD_CONFIG';

const KEY_OF = new Map<string, OptionKey>(OPTION_KEYS.map((key) => [environmentName(key), key]));

/**
 * The options that `GRPCSERVERD_*` variables give. An empty variable gives none: service files and compose files
 * often cannot leave one out. What is wrong with the names is added to `problems`.
 */
export function environmentValues(env: Readonly<Record<string, string | undefined>>, cwd: string, problems: Problem[]): Given[] {
  const given: Given[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(ENVIRONMENT_PREFIX) || variable === CONFIG_VARIABLE) continue;
    const key = KEY_OF.get(variable);
    if (key === undefined) {
      const suggestion = suggestVariable(variable);
      problems.push({
        code: 'E_CONFIG_KEY',
        message: `environment: ${variable} is not an option`,
        ...(suggestion === undefined ? {} : { hint: `Did you mean ${suggestion}?` }),
      });
    } else if (text !== undefined && text !== '') {
      given.push({ key, value: readText(key, text), origin: { source: 'environment', variable }, base: cwd });
    }
  }
  return given;
}
