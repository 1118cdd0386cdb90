import type { Config, OptionKey } from '../options.js';
import { describeOrigin, type Origin } from '../origin.js';
import { groupKeys, lastSegment, valueOf } from './tree.js';
import { toYaml, writtenValue } from './written-value.js';

/** A config as YAML that could be used as a file, were it not for the secrets, which are `***`. */
export function settingsAsYaml(config: Config, origins: Readonly<Record<OptionKey, Origin>> | null, cwd: string): string {
  const line = (key: OptionKey, indent: string): string => {
    const origin = origins === null ? '' : `  # ${describeOrigin(origins[key], cwd)}`;
    return `${indent}${lastSegment(key)}: ${toYaml(writtenValue(key, valueOf(config, key)))}${origin}\n`;
  };
  return groupKeys()
    .map(([head, keys]) => (isGroup(head, keys) ? `${head}:\n${keys.map((key) => line(key, '  ')).join('')}` : keys.map((key) => line(key, '')).join('')))
    .join('');
}

/** The same for programs: nested values, and with `origins` what gave each of them. */
export function settingsAsJson(config: Config, origins: Readonly<Record<OptionKey, Origin>> | null): string {
  const values = Object.fromEntries(
    groupKeys().map(([head, keys]) => {
      const entries = keys.map((key) => [lastSegment(key), writtenValue(key, valueOf(config, key))] as const);
      return [head, isGroup(head, keys) ? Object.fromEntries(entries) : entries[0]?.[1]];
    }),
  );
  return `${JSON.stringify(origins === null ? values : { config: values, origins }, null, 2)}\n`;
}

const isGroup = (head: string, keys: readonly OptionKey[]): boolean => keys[0] !== head;
