/** Runs in workers and in the inspector: turns what a user's module threw while it was loaded into words. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemCode, toError } from '../shared/errors.js';
import { displayPath } from '../config/origin.js';
import { loadJiti } from './import-module.js';

export interface LoadFailure {
  /** What happened and where, to follow the name of the file: "has a syntax error at x.ts:3:7: ...". */
  readonly what: string;
  /** The lines of source around the fault, or the stack. */
  readonly detail?: string;
  readonly hint?: string;
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Explains an error thrown by `importModule(file)`. */
export async function explainLoadFailure(thrown: unknown, file: string): Promise<LoadFailure> {
  const error = toError(thrown);
  const missing = missingModule(error, file);
  if (missing !== undefined) return missing;
  const syntax = await syntaxError(error, file);
  if (syntax !== undefined) return syntax;
  const place = placeInStack(error);
  return {
    what: `threw while it was loaded${place === undefined ? '' : ` (at ${show(place)})`}: ${describe(error)}`,
    detail: userStack(error),
  };
}

const OWN_CODE = fileURLToPath(new URL('..', import.meta.url));

/** The stack, without the message and without the lines of Node, of the loader and of this package. */
export function userStack(error: Error): string {
  const lines = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return lines.filter((line) => !/node:internal|\/node_modules\/jiti\//.test(line) && !isOwn(line)).join('\n');
}

const isOwn = (line: string): boolean => line.includes(OWN_CODE);

/** The first place of the stack that is a file of the user's: not of Node, not of a package. */
export function placeInStack(error: Error): Place | undefined {
  for (const line of (error.stack ?? '').split('\n')) {
    const match = /^ {4}at (?:.*\(|async )?((?:file:\/\/)?\/.+?):(\d+):(\d+)\)?$/.exec(line);
    if (match?.[1] !== undefined && !match[1].includes('/node_modules/') && !isOwn(line)) return toPlace(match[1], match[2], match[3]);
  }
  return undefined;
}

export const show = ({ file, line, column }: Place): string => `${displayPath(file, process.cwd())}:${line}:${column}`;

const describe = (error: Error): string => `${error.name}: ${error.message}`;

function missingModule(error: Error, file: string): LoadFailure | undefined {
  const code = systemCode(error);
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined;
  const [, kind, wanted = ''] = /Cannot find (package|module) '([^']+)'/.exec(error.message) ?? [];
  const importer = /imported from (.+)$/m.exec(error.message)?.[1] ?? /Require stack:\n- (.+)$/m.exec(error.message)?.[1];
  if (wanted === '') return undefined;
  if (asPath(wanted) === file) return { what: 'cannot be loaded: there is no such file' };
  const by = importer === undefined ? '' : `, which ${displayPath(asPath(importer), process.cwd())} imports`;
  const isFile = kind === 'module' && /^(?:file:|\.{0,2}\/)/.test(wanted);
  return {
    what: `cannot be loaded: it needs ${isFile ? displayPath(asPath(wanted), process.cwd()) : `the package "${wanted}"`}${by}, and that was not found`,
    ...(isFile ? {} : { hint: `Install it beside your code: npm install ${packageName(wanted)}` }),
  };
}

const packageName = (specifier: string): string =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

async function syntaxError(error: Error, file: string): Promise<LoadFailure | undefined> {
  const parsed = parseError(error);
  if (parsed !== undefined) return { what: `has a syntax error at ${show(parsed.place)}: ${parsed.message}`, detail: codeFrame(parsed.place) };
  if (error.name !== 'SyntaxError') return undefined;
  const place = placeOfArrow(error) ?? (await locate(file));
  return {
    what: `has a syntax error${place === undefined ? '' : ` at ${show(place)}`}: ${error.message}`,
    ...(place === undefined ? {} : { detail: codeFrame(place) }),
  };
}

/** jiti: "ParseError: Unexpected token \n /x.ts:2:6", the column counted from 0. */
function parseError(error: Error): { message: string; place: Place } | undefined {
  const match = /^ParseError: (.*?)\s*\n\s*(\/.+):(\d+):(\d+)/.exec(error.message);
  if (match === null) return undefined;
  const place = toPlace(match[2] ?? '', match[3], match[4]);
  return { message: match[1] ?? '', place: { ...place, column: place.column + 1 } };
}

/** CommonJS, and names that a module does not export: "/x.cjs:2\nconst = 5;\n      ^\n" opens the stack. */
function placeOfArrow(error: Error): Place | undefined {
  const match = /^((?:file:\/\/)?\/[^\n]+):(\d+)\n[^\n]*\n( *)\^/.exec(error.stack ?? '');
  return match === null ? undefined : toPlace(match[1] ?? '', match[2], (match[3]?.length ?? 0) + 1);
}

/** Node does not tell where an ES module cannot be parsed, so jiti has to parse it again. */
async function locate(file: string): Promise<Place | undefined> {
  try {
    await (await loadJiti(file)).import(file);
  } catch (error) {
    return parseError(toError(error))?.place;
  }
  return undefined;
}

/** The line and the two before it, with a mark under the column. */
export function codeFrame({ file, line, column }: Place): string {
  const source = readFileSync(file, 'utf8').split('\n');
  const first = Math.max(1, line - 2);
  const width = String(line).length;
  const shown = source.slice(first - 1, line).map((text, index) => `  ${String(first + index).padStart(width)} | ${text}`);
  return [...shown, `  ${' '.repeat(width)} | ${' '.repeat(column - 1)}^`].join('\n');
}

const asPath = (specifier: string): string => (specifier.startsWith('file:') ? fileURLToPath(specifier) : specifier);

const toPlace = (file: string, line: unknown, column: unknown): Place => ({ file: asPath(file), line: Number(line), column: Number(column) });
