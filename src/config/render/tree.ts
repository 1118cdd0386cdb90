import { OPTION_KEYS, type Config, type OptionKey } from '../options.js';

/** The first segments of the keys, in the order of the table, each with its keys; `log` has two. */
export function groupKeys(keys: readonly OptionKey[] = OPTION_KEYS): [head: string, keys: OptionKey[]][] {
  const groups = new Map<string, OptionKey[]>();
  for (const key of keys) {
    const [head = key] = key.split('.');
    groups.set(head, [...(groups.get(head) ?? []), key]);
  }
  return [...groups];
}

/** `level` of `log.level`; the key itself when it is not in a group. */
export const lastSegment = (key: OptionKey): string => key.slice(key.indexOf('.') + 1);

/** The value of an option in a config. */
export function valueOf(config: Config, key: OptionKey): unknown {
  // Typed by key, a dotted path cannot be followed without a cast.
  return key.split('.').reduce<unknown>((value, segment) => (value as Record<string, unknown>)[segment], config);
}
