// What a page of the documentation tells its reader to do, in order: files to write, commands to run, what they print.

export interface FileStep {
  readonly kind: 'file';
  readonly path: string;
  readonly text: string;
  readonly line: number;
}

export interface CommandStep {
  readonly kind: 'command';
  readonly command: string;
  /** Goes on while the commands after it run. */
  readonly isBackground: boolean;
  readonly exitCode: number;
  /** Lines that it prints, in this order, perhaps among others; `…` stands for anything. */
  readonly prints: readonly string[];
  readonly line: number;
}

/** A part of a config file, in YAML. */
export interface FragmentStep {
  readonly kind: 'fragment';
  readonly text: string;
  readonly line: number;
}

export type Step = FileStep | CommandStep | FragmentStep;

const FENCE = /^```(\S*)\s*(.*)$/;
const NAMED = /^(?:\/\/|#|<!--) (\S+\.\w+)(, more)?(?: -->)?$/;
const HIDDEN = /^<!-- run: (.*) -->$/;

/**
 * - A fenced block whose first line is a comment with a file name (`// servicers/greeter.js`) is that file; with
 *   `, more` behind the name it is added to the file. `file=NAME` behind the language does it where there are no comments.
 * - `console` blocks have commands (`$ ...`, in the background with ` &`, and `# exits 1` where they fail) and below
 *   each what it prints.
 * - A `yaml` block without a name is a part of a config file, whose options have to be good ones.
 * - `<!-- run: COMMAND -->` is run and not shown.
 * - `text` blocks are pictures. Any other block has to say `not-run="why"`.
 *
 * @throws Error for a block that is none of these, with its line
 */
export function stepsOf(markdown: string): Step[] {
  const lines = markdown.split('\n');
  const files = new Map<string, string>();
  const steps: Step[] = [];
  for (let i = 0; i < lines.length; i += 1) {
    const line = i + 1;
    const hidden = HIDDEN.exec(lines[i] ?? '')?.[1];
    if (hidden !== undefined) steps.push({ kind: 'command', command: hidden, isBackground: false, exitCode: 0, prints: [], line });
    const fence = FENCE.exec(lines[i] ?? '');
    if (fence === null) continue;
    const [, language = '', info = ''] = fence;
    const end = lines.indexOf('```', i + 1);
    if (end === -1) throw new Error(`line ${line}: a block without an end`);
    const body = lines.slice(i + 1, end);
    i = end;
    if (language === 'console') steps.push(...commandsOf(body, line + 1));
    else if (language !== 'text' && !/^not-run="[^"]{4,}"$/.test(info)) steps.push(fileOf(body, info, line, files) ?? partOf(language, body, line));
  }
  return steps;
}

function fileOf(body: readonly string[], info: string, line: number, files: Map<string, string>): FileStep | undefined {
  const named = NAMED.exec(body[0] ?? '');
  const path = /^file=(\S+)$/.exec(info)?.[1] ?? named?.[1];
  if (path === undefined) return undefined;
  const text = `${body.join('\n')}\n`;
  const whole = named?.[2] === undefined ? text : `${files.get(path) ?? ''}${text}`;
  files.set(path, whole);
  return { kind: 'file', path, text: whole, line };
}

function partOf(language: string, body: readonly string[], line: number): FragmentStep {
  if (language === 'yaml') return { kind: 'fragment', text: `${body.join('\n')}\n`, line };
  throw new Error(`line ${line}: a block that is no file, no console and no text, and does not say why it is not run`);
}

function commandsOf(body: readonly string[], firstLine: number): CommandStep[] {
  const steps: CommandStep[] = [];
  for (const [offset, text] of body.entries()) {
    if (text.startsWith('$ ')) {
      const exitCode = Number(/ # exits (\d+)$/.exec(text)?.[1] ?? 0);
      const command = text.slice(2).replace(/ # .*$/, '');
      const isBackground = command.endsWith(' &');
      steps.push({ kind: 'command', command: isBackground ? command.slice(0, -2) : command, isBackground, exitCode, prints: [], line: firstLine + offset });
      continue;
    }
    const last = steps.at(-1);
    if (last === undefined) throw new Error(`line ${firstLine + offset}: output before any command`);
    if (text !== '') (last.prints as string[]).push(text);
  }
  return steps;
}
