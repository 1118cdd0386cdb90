import { dirname } from 'node:path';
import { configData } from './config-data.js';
import { excerpt } from './excerpt.js';
import type { Given } from './given.js';
import { camelCase } from './key-spelling.js';
import { OPTION_KEYS, type OptionKey } from './options.js';
import { displayPath } from './origin.js';
import { isPlainRecord } from './plain-data.js';
import type { Problem } from './problem.js';
import { suggestKey } from './suggest-key.js';

const KEYS: ReadonlySet<string> = new Set(OPTION_KEYS);
const GROUPS: ReadonlySet<string> = new Set(OPTION_KEYS.filter((key) => key.includes('.')).map((key) => key.slice(0, key.indexOf('.'))));

const isOptionKey = (key: string): key is OptionKey => KEYS.has(key);

/** The options that a config file gives. What is wrong with its keys is added to `problems`. */
export function fileValues(file: { readonly path: string; readonly data: unknown }, cwd: string, problems: Problem[]): Given[] {
  const shown = displayPath(file.path, cwd);
  const data = configData(file.data, shown);
  if (data === null || data === undefined) return [];
  if (!isPlainRecord(data)) {
    problems.push({ code: 'E_CONFIG_VALUE', message: `${shown}: a config must be a map of options; got ${excerpt(data)}` });
    return [];
  }
  const given = new Map<OptionKey, Given>();
  const origin = { source: 'file', path: file.path } as const;
  const base = dirname(file.path);

  const read = (record: Record<string, unknown>, prefix: string): void => {
    for (const [written, value] of Object.entries(record)) {
      // Editors find the JSON Schema of a file by this key.
      if (prefix === '' && written === '$schema') continue;
      const key = prefix + camelCase(written);
      if (isOptionKey(key) && !written.includes('.')) {
        if (given.has(key)) problems.push({ code: 'E_CONFIG_KEY', message: `${shown}: ${key} is given twice, once as ${prefix}${written}` });
        given.set(key, { key, value, origin, base });
      } else if (prefix === '' && GROUPS.has(key)) {
        readGroup(value, key);
      } else {
        problems.push(unknownKey(prefix + written));
      }
    }
  };
  const readGroup = (value: unknown, group: string): void => {
    // A group whose entries are all commented out is null in YAML.
    if (value === null) return;
    if (isPlainRecord(value)) {
      read(value, `${group}.`);
      return;
    }
    const members = OPTION_KEYS.filter((key) => key.startsWith(`${group}.`)).map((key) => key.slice(group.length + 1));
    problems.push({ code: 'E_CONFIG_VALUE', message: `${shown}: ${group} must be a map with ${members.join(', ')}; got ${excerpt(value)}` });
  };
  const unknownKey = (written: string): Problem => {
    const hint = hintFor(written);
    return { code: 'E_CONFIG_KEY', message: `${shown}: unknown key "${written}"`, ...(hint === undefined ? {} : { hint }) };
  };
  read(data, '');
  return [...given.values()];
}

function hintFor(written: string): string | undefined {
  if (written.toLowerCase() === 'grpcserver') return 'Put its content at the top level of the file.';
  const suggestion = suggestKey(written);
  if (suggestion === undefined) return undefined;
  return suggestion === written ? `Write it nested: ${written.replace('.', ': { ')}: ... }` : `Did you mean "${suggestion}"?`;
}
