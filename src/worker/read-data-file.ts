/** Runs in the inspector: parses the config formats that are data, not code. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { displayPath } from '../config/origin.js';
import { DaemonError, toError } from '../shared/errors.js';
import { fileProblem } from '../shared/file-problem.js';
import { codeFrame } from './load-failure.js';

/** What is wrong with a text, and where; lines and columns count from 1. */
class TextError extends Error {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

type Parser = (text: string) => unknown;

const PARSERS: Readonly<Record<string, () => Promise<Parser>>> = {
  '.json': () => Promise.resolve(parseJson),
  '.yaml': yamlParser,
  '.yml': yamlParser,
  '.toml': tomlParser,
};

export const isDataFile = (file: string): boolean => extname(file) in PARSERS;

/** @throws {DaemonError} E_CONFIG_FILE, with line and column when the text has an error */
export async function readDataFile(file: string): Promise<unknown> {
  const shown = displayPath(file, process.cwd());
  const parse = await PARSERS[extname(file)]?.();
  try {
    return parse?.(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof TextError)) throw new DaemonError('E_CONFIG_FILE', `cannot read ${shown}: ${fileProblem(error)}`, { cause: error });
    throw new DaemonError('E_CONFIG_FILE', `${shown}:${error.line}:${error.column}: ${error.message}`, {
      detail: codeFrame({ file, line: error.line, column: error.column }),
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    const [message = ''] = toError(thrown).message.split(/,? (?:in JSON |\.{3}|"[^]*" is not valid)/);
    const before = text.slice(0, validLength(text)).split('\n');
    throw new TextError(message, before.length, (before.at(-1)?.length ?? 0) + 1);
  }
}

/** How many characters of a wrong text can still begin valid JSON. Node tells where the fault is only sometimes. */
function validLength(text: string): number {
  let valid = 0;
  let wrong = text.length + 1;
  while (wrong - valid > 1) {
    const middle = Math.floor((valid + wrong) / 2);
    if (isBeginning(text.slice(0, middle))) valid = middle;
    else wrong = middle;
  }
  return valid;
}

function isBeginning(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (thrown) {
    const { message } = toError(thrown);
    return message.startsWith('Unexpected end') || message.startsWith('Unterminated') || message.includes(` at position ${text.length}`);
  }
}

async function yamlParser(): Promise<Parser> {
  const { parseAllDocuments } = await import('yaml');
  return (text) => {
    const documents = parseAllDocuments(text, { prettyErrors: true, uniqueKeys: true, stringKeys: true });
    const [document, second] = Array.isArray(documents) ? documents : [];
    if (document === undefined) return null;
    for (const { message, linePos } of [...document.errors, ...document.warnings]) {
      const [position] = linePos ?? [{ line: 1, col: 1 }];
      throw new TextError((message.split(/ at line |\n/)[0] ?? message).trim(), position.line, position.col);
    }
    if (second !== undefined) {
      const line = text.slice(0, second.range[0]).split('\n').length;
      throw new TextError('a config file holds one document, and here a second one begins', line, 1);
    }
    // A few hundred aliases of aliases can stand for billions of values; a config needs a handful.
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  };
}

async function tomlParser(): Promise<Parser> {
  const { parse, TomlError } = await import('smol-toml');
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      throw new TextError((error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, ''), error.line, error.column);
    }
  };
}
