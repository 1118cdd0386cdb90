import type { Command } from 'commander';
import { EXIT } from '../shared/exit-codes.js';
import { VERSION } from '../shared/version.js';
import { CONFIG_PLACES } from '../config/find-file.js';
import { commandTable, type CommandRow, type FlagRow } from './command-table.js';

/** What the exit codes mean to whoever called. */
const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Done; the daemon stopped as it was asked to.',
  failed: 'It failed, or the state that was asked for is not reached (status: starting or degraded).',
  notRunning: 'status: no daemon runs.',
  usage: 'The command line has a mistake.',
  unavailable: 'No daemon answers.',
  workersCannotBoot: 'No worker could be started.',
  osError: 'The address is taken, or the system refused something else.',
  cannotCreate: 'A folder, socket or file cannot be made.',
  tryLater: 'A daemon of this name runs already.',
  noPermission: 'This user may not do that.',
  config: 'Config, certificate or servicer is wrong.',
};

/** man/grpcserverd.1, in the macros of man(7). */
export function manPage(program: Command): string {
  const commands = commandTable(program);
  const groups = [...new Set(commands.map(({ group }) => group))];
  // start and check share the options of the daemon: they are listed once.
  const options = commands.find(({ name }) => name === 'start')?.flags ?? [];
  const sections = [...new Set(options.map(({ group }) => group))];
  return [
    `.\\" Written by npm run docs from the table of commands; changes here are lost.`,
    `.TH GRPCSERVERD 1 "" "grpcserverd ${VERSION}" "User Commands"`,
    '.SH NAME',
    `grpcserverd \\- ${text(program.description())}`,
    '.SH SYNOPSIS',
    '.B grpcserverd',
    '.I COMMAND',
    '[options]',
    ...groups.flatMap((group) => ['.SH ' + quoted(`${group} commands`.toUpperCase()), ...commands.filter((row) => row.group === group).flatMap(command)]),
    '.SH OPTIONS OF THE DAEMON',
    'Taken by start, check and list\\-handlers. Each is also a key of the config file and a variable GRPCSERVERD_*; a flag wins over the variable, and that over the file.',
    ...sections.flatMap((section) => [...(section === '' ? [] : [`.SS ${quoted(section)}`]), ...options.filter(({ group }) => group === section).flatMap(flag)]),
    '.SH FILES',
    ...CONFIG_PLACES.flatMap((place) => ['.TP', `.I ${text(place)}.*`, 'The config file: .ts, .js, .json, .yaml or .toml; the first that is found.']),
    '.SH EXIT STATUS',
    ...Object.entries(EXIT).flatMap(([name, code]) => ['.TP', `.B ${code}`, text(MEANINGS[name as keyof typeof EXIT])]),
    '.SH SEE ALSO',
    '.BR systemctl (1),',
    '.BR node (1)',
    '',
  ].join('\n');
}

function command({ name, parameters, description, flags }: CommandRow): string[] {
  const own = flags.filter(({ group }) => group === '' || name !== 'start');
  const isListed = own.length <= 20;
  return [
    '.TP',
    `.B grpcserverd ${text(name)}${parameters === '' ? '' : ` \\fI${text(parameters)}\\fR`}`,
    text(`${description}.`),
    ...(isListed && name !== 'start' ? ['.RS', ...own.flatMap(flag), '.RE'] : []),
  ];
}

function flag({ short, long, value, description }: FlagRow): string[] {
  const names = [short, long].filter((name) => name !== undefined).map((name) => `\\fB${text(name)}\\fR`).join(', ');
  return ['.TP', `${names}${value === '' ? '' : ` \\fI${text(value)}\\fR`}`, text(`${description}.`)];
}

/** As groff takes it: hyphens that can be copied, and no line that begins with a control character. */
function text(plain: string): string {
  const escaped = plain.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^([.'])/, '\\&$1');
  return escaped.replace(/\.\.$/, '.');
}

const quoted = (heading: string): string => `"${text(heading)}"`;
