/** Runs in the primary. Which of the new values cannot count before a restart; pure. */
import { OPTION_KEYS, optionSpec, type Config, type OptionKey } from '../config/options.js';

export interface Carried {
  /** The new config, with the old values of what only a restart can change. */
  readonly config: Config;
  /** The keys whose new values were put off. */
  readonly restartRequired: readonly OptionKey[];
}

export function carryOver(before: Config, after: Config): Carried {
  const restartRequired = OPTION_KEYS.filter(
    (key) => optionSpec(key).applies === 'restart' && JSON.stringify(valueOf(before, key)) !== JSON.stringify(valueOf(after, key)),
  );
  let config = after;
  for (const key of restartRequired) config = withValue(config, key, valueOf(before, key));
  return { config, restartRequired };
}

/** Keys are one or two names deep. */
function valueOf(config: Config, key: OptionKey): unknown {
  let value: unknown = config;
  for (const name of key.split('.')) value = (value as Record<string, unknown>)[name];
  return value;
}

function withValue(config: Config, key: OptionKey, value: unknown): Config {
  const [first = '', second] = key.split('.');
  const record = config as Record<string, unknown>;
  const inner = second === undefined ? value : { ...(record[first] as Record<string, unknown>), [second]: value };
  return Object.freeze({ ...config, [first]: inner });
}
