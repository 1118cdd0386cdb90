import type { Command } from 'commander';
import { commandTable, type CommandRow } from './command-table.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A script that completes commands, their flags, and the values that a flag takes from a list. */
export function completionScript(shell: Shell, program: Command): string {
  const table = commandTable(program);
  switch (shell) {
    case 'bash':
      return bash(table);
    case 'zsh':
      return zsh(table);
    case 'fish':
      return fish(table);
  }
}

const words = (row: CommandRow): string[] => row.name.split(' ');
const firstWords = (table: readonly CommandRow[]): string[] => [...new Set(table.map((row) => words(row)[0] ?? ''))];
const secondWords = (table: readonly CommandRow[], first: string): string[] =>
  table.filter((row) => words(row)[0] === first && words(row).length > 1).map((row) => words(row)[1] ?? '');
const flagNames = (row: CommandRow): string => [...row.flags.map(({ long }) => long), '--help'].join(' ');
const takesValue = (row: CommandRow): string => row.flags.filter(({ value, choices }) => value !== '' && choices.length === 0).map(({ long }) => long).join('|');

function bash(table: readonly CommandRow[]): string {
  const cases = table.map((row) => {
    const choices = row.flags.filter((flag) => flag.choices.length > 0).map((flag) => `      ${flag.long}) COMPREPLY=($(compgen -W '${flag.choices.join(' ')}' -- "$word")); return ;;\n`);
    const files = takesValue(row);
    return `  '${row.name}')
    case "$before" in
${choices.join('')}${files === '' ? '' : `      ${files}) COMPREPLY=($(compgen -f -- "$word")); return ;;\n`}    esac
    flags='${flagNames(row)}' ;;
`;
  });
  const groups = firstWords(table)
    .map((first) => ({ first, second: secondWords(table, first) }))
    .filter(({ second }) => second.length > 0);
  const holders = groups.map(({ first, second }) => `  ${first}) if ((COMP_CWORD == 2)); then COMPREPLY=($(compgen -W '${second.join(' ')}' -- "$word")); return; fi; name="$name \${COMP_WORDS[2]}" ;;\n`);
  return `# bash completion of grpcserverd: source <(grpcserverd completion bash)
_grpcserverd() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" name="\${COMP_WORDS[1]}" flags=''
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${firstWords(table).join(' ')} --help --version' -- "$word"))
    return
  fi
  case "$name" in
${holders.join('')}  esac
  case "$name" in
${cases.join('')}  esac
  if [[ "$word" == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$word"))
  else COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _grpcserverd grpcserverd
`;
}

/** In single quotes of a shell. */
const quoted = (plain: string): string => `'${plain.replaceAll("'", `'\\''`)}'`;

function zsh(table: readonly CommandRow[]): string {
  const first = firstWords(table).map((name) => `    ${quoted(`${name}:${table.find((row) => words(row)[0] === name)?.description.replaceAll(':', ' -') ?? ''}`)}\n`);
  const flag = ({ long, value, choices, description }: CommandRow['flags'][number]): string => {
    const text = description.replace(/[[\]:]/g, ' ');
    const taken = value === '' ? '' : `:value:${choices.length > 0 ? `(${choices.join(' ')})` : '_files'}`;
    return `      ${quoted(`*${long}[${text}]${taken}`)} \\\n`;
  };
  const cases = table.map((row) => `  ${quoted(row.name)})\n    _arguments \\\n${row.flags.map(flag).join('')}      '*:file:_files' ;;\n`);
  const holders = firstWords(table)
    .map((name) => ({ name, second: secondWords(table, name) }))
    .filter(({ second }) => second.length > 0)
    .map(({ name, second }) => `  ${name}) if ((CURRENT == 3)); then compadd ${second.join(' ')}; return; fi; name="$name $words[3]" ;;\n`);
  return `#compdef grpcserverd
# zsh completion of grpcserverd: source <(grpcserverd completion zsh)
_grpcserverd() {
  local name="$words[2]"
  local -a commands=(
${first.join('')}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  case "$name" in
${holders.join('')}  esac
  case "$name" in
${cases.join('')}  esac
}
compdef _grpcserverd grpcserverd
`;
}

function fish(table: readonly CommandRow[]): string {
  const lines = firstWords(table).map((name) => {
    const description = table.find((row) => words(row)[0] === name)?.description ?? '';
    return `complete -c grpcserverd -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`;
  });
  for (const row of table) {
    const [first = '', second] = words(row);
    const seen = `__fish_seen_subcommand_from ${first}`;
    const condition = second === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${second}`;
    if (second !== undefined) lines.push(`complete -c grpcserverd -n ${quoted(`${seen}; and not __fish_seen_subcommand_from ${secondWords(table, first).join(' ')}`)} -f -a ${second} -d ${quoted(row.description)}`);
    for (const { short, long, value, choices, description } of row.flags) {
      const takes = value === '' ? '' : choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : ' -r';
      lines.push(`complete -c grpcserverd -n ${quoted(condition)}${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${long.slice(2)}${takes} -d ${quoted(description)}`);
    }
  }
  return `# fish completion of grpcserverd: grpcserverd completion fish | source\n${lines.join('\n')}\n`;
}
