import { Option, type Command } from 'commander';
import { CONFIG_PLACES } from '../config/find-file.js';
import { flagName } from '../config/key-spelling.js';
import { OPTION_KEYS, SECTIONS, optionSpec, type OptionKey } from '../config/options.js';

/** What commander hands to an action: the camelCase names of flags, with what the command line gave. */
export type CommandOptions = Readonly<Record<string, unknown>>;

/** Adds `--config` and a flag for every option of the table, by section. */
export function addConfigFlags(command: Command): Command {
  command.option('-c, --config <file>', `Config file, else GRPCSERVERD_CONFIG (default: ${CONFIG_PLACES.map((place) => `${place}.*`).join(', ')})`);
  for (const section of SECTIONS) {
    const keys = OPTION_KEYS.filter((key) => optionSpec(key).section === section);
    for (const option of keys.flatMap(toFlags)) command.addOption(option.helpGroup(`${section}:`));
  }
  return command;
}

/** The options that the command line gives, under their keys. */
export function flagsGiven(options: CommandOptions): Partial<Record<OptionKey, unknown>> {
  return Object.fromEntries(
    OPTION_KEYS.map((key) => [key, options[attributeName(key)]] as const).filter(([, value]) => value !== undefined),
  );
}

const attributeName = (key: OptionKey): string => new Option(`--${flagName(key)}`).attributeName();

function toFlags(key: OptionKey): Option[] {
  const { type, doc } = optionSpec(key);
  const name = flagName(key);
  switch (type.arity) {
    case 'switch': {
      const isOn = optionSpec(key).default === true;
      // Help shows the one that changes something; both work.
      return [new Option(`--${name}`, doc).hideHelp(isOn), new Option(`--no-${name}`, `Do not ${doc.charAt(0).toLowerCase()}${doc.slice(1)}`).hideHelp(!isOn)];
    }
    case 'one':
      return [new Option(`--${name} <value>`, withDefault(key))];
    case 'many':
      return [new Option(`--${name} <value>`, `${withDefault(key)}; may be repeated`).argParser(collect)];
    case 'map':
      return [new Option(`--${name} <json>`, doc)];
  }
}

function withDefault(key: OptionKey): string {
  const { doc, default: fallback, type } = optionSpec(key);
  if (fallback === undefined || fallback === null || Array.isArray(fallback)) return doc;
  return `${doc} (default: ${type.format(fallback)})`;
}

function collect(value: string, previous: unknown): string[] {
  return Array.isArray(previous) ? [...(previous as string[]), value] : [value];
}
