import { flagName } from '../config/key-spelling.js';
import { OPTION_KEYS } from '../config/options.js';

const FLAGS: ReadonlySet<string> = new Set(OPTION_KEYS.flatMap((key) => [`--${flagName(key)}`, `--no-${flagName(key)}`]));

/**
 * The command line as commander expects it: our flags with hyphens (`--max_workers` is as good), and
 * `start --list-handlers` as the command of that name. What follows `--`, and what is no flag of ours, stays.
 */
export function normalizeArguments(args: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const normal = args.slice(0, end).map(hyphenate);
  const wantsHandlers = normal[0] === 'start' && normal.includes('--list-handlers');
  const command = wantsHandlers ? ['list-handlers', ...normal.slice(1).filter((arg) => arg !== '--list-handlers')] : normal;
  return [...command, ...args.slice(end)];
}

function hyphenate(arg: string): string {
  const [, name = '', value = ''] = /^(--[^=]+)(=[^]*)?$/.exec(arg) ?? [];
  const hyphenated = name.replaceAll('_', '-');
  return hyphenated === '--list-handlers' || FLAGS.has(hyphenated) ? hyphenated + value : arg;
}
