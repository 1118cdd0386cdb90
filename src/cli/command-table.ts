import type { Command, Option } from 'commander';

export interface FlagRow {
  /** `-c`, when it has one. */
  readonly short: string | undefined;
  /** `--config` */
  readonly long: string;
  /** `<file>`; empty for a switch. */
  readonly value: string;
  readonly choices: readonly string[];
  readonly description: string;
  /** As help groups them; empty for those of the command itself. */
  readonly group: string;
}

export interface CommandRow {
  /** `config show` */
  readonly name: string;
  /** `<dir>` */
  readonly parameters: string;
  readonly description: string;
  readonly group: string;
  readonly flags: readonly FlagRow[];
}

/** Every command with its flags, for whatever describes the command line elsewhere: the man page, completions. */
export function commandTable(program: Command): CommandRow[] {
  return program.commands.flatMap((command) => rows(command, '', plainGroup(command.helpGroup())));
}

function rows(command: Command, parent: string, group: string): CommandRow[] {
  const name = `${parent}${command.name()}`;
  const own: CommandRow = {
    name,
    parameters: command.registeredArguments.map((parameter) => (parameter.required ? `<${parameter.name()}>` : `[${parameter.name()}]`)).join(' '),
    description: command.description(),
    group,
    flags: command.options.filter(({ hidden }) => !hidden).map(flagRow),
  };
  const children = command.commands.flatMap((child) => rows(child, `${name} `, group));
  // One that only holds others does nothing by itself.
  return children.length > 0 ? children : [own];
}

function flagRow(option: Option): FlagRow {
  return {
    short: option.short,
    long: option.long ?? '',
    value: /[<[].*$/.exec(option.flags)?.[0] ?? '',
    choices: option.argChoices ?? [],
    description: option.description,
    group: plainGroup(option.helpGroupHeading ?? ''),
  };
}

const plainGroup = (heading: string): string => heading.replace(/:$/, '');
