import { optionSpec, type OptionKey } from '../options.js';

/**
 * A value as a person would write it into a file: `30s`, `4MiB`, `./greeter.js#hook`; `null` for off; secrets as
 * `***`.
 */
export function writtenValue(key: OptionKey, value: unknown): unknown {
  const { type } = optionSpec(key);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  // Plain numbers stay numbers; those with a unit become text.
  if (typeof value === 'number') return type.format(value) === String(value) ? value : type.format(value);
  return type.redact?.(value) ?? value;
}

/** One line of YAML that stands for a value made by `writtenValue`. */
export function toYaml(value: unknown): string {
  if (value === null) return 'off';
  if (typeof value === 'string') return isPlainInYaml(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toYaml).join(', ')}]`;
  if (typeof value === 'object') {
    const pairs = Object.entries(value).map(([key, entry]) => `${toYaml(key)}: ${toYaml(entry)}`);
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  }
  return JSON.stringify(value);
}

/** Text that YAML takes for text without quotes, also inside of a list or a map. */
function isPlainInYaml(text: string): boolean {
  return /^[A-Za-z0-9./_][\w./#*@+-]*$/.test(text) && !/^(?:true|false|yes|no|on|off|null|~|[\d.+-][\d._]*(?:e[\d+-]+)?|0[xo]\w+)$/i.test(text);
}
