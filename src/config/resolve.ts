import { resolve as resolvePath } from 'node:path';
import { expandCredential } from './credential-path.js';
import { environmentValues } from './environment-values.js';
import { excerpt, secretExcerpt } from './excerpt.js';
import { fileValues } from './file-values.js';
import type { Given } from './given.js';
import { flagName } from './key-spelling.js';
import { OPTION_KEYS, optionSpec, type Config, type OptionKey } from './options.js';
import { describeOrigin, type Origin } from './origin.js';
import { deepFreeze } from './plain-data.js';
import { problemsError, type Problem } from './problem.js';
import { readText } from './read-text.js';

export interface Sources {
  /** The config file, its path absolute, and what it holds; null when there is none. */
  readonly file: { readonly path: string; readonly data: unknown } | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text as the command line gives it; lists of text for repeated flags, booleans for switches. */
  readonly flags: Readonly<Partial<Record<OptionKey, unknown>>>;
  readonly cwd: string;
}

export interface Resolved {
  /** Complete, of the right types, frozen. Options may still contradict each other: see validate.ts. */
  readonly config: Config;
  readonly origins: Readonly<Record<OptionKey, Origin>>;
}

/**
 * One value for every option: from its flag, else from its `GRPCSERVERD_*` variable, else from the file, else the
 * default. Relative paths of a file start from its folder, the others from `cwd`. Pure.
 *
 * @throws {DaemonError} E_CONFIG_KEY or E_CONFIG_VALUE, with every problem that was found.
 */
export function resolveConfig({ file, env, flags, cwd }: Sources): Resolved {
  const problems: Problem[] = [];
  const given: Given[] = [
    ...(file === null ? [] : fileValues(file, cwd, problems)),
    ...environmentValues(env, cwd, problems),
    ...flagValues(flags, cwd),
  ];
  const lackingCredential = (entry: Given, path: string): string => {
    problems.push(noCredentials(entry, path, cwd));
    return path;
  };
  const values = new Map<OptionKey, unknown>(OPTION_KEYS.map((key) => [key, optionSpec(key).default]));
  const origins = Object.fromEntries(OPTION_KEYS.map((key) => [key, { source: 'default' }])) as Record<OptionKey, Origin>;
  for (const entry of given) {
    const value = parse(entry, (path) => expandCredential(path, env) ?? lackingCredential(entry, path));
    if (value === undefined) problems.push(wrongValue(entry, cwd));
    values.set(entry.key, value);
    origins[entry.key] = entry.origin;
  }
  // Routers speak to the lean transport only: who asks for the other one has not asked for them.
  if (values.get('transport') === 'http2' && origins.balance.source === 'default') values.set('balance', 'connection');
  if (!given.some(({ key }) => key === 'servicers') || isEmptyList(values.get('servicers'))) {
    problems.push(nothingToServe(file, origins.servicers, cwd));
  }
  const [first, ...others] = problems;
  if (first !== undefined) throw problemsError([first, ...others]);
  return { config: deepFreeze(nest(values)), origins: deepFreeze(origins) };
}

function flagValues(flags: Sources['flags'], cwd: string): Given[] {
  return OPTION_KEYS.filter((key) => flags[key] !== undefined).map((key) => {
    const value = flags[key];
    const flag = `--${value === false ? 'no-' : ''}${flagName(key)}`;
    return { key, value: typeof value === 'string' ? readText(key, value) : value, origin: { source: 'flag', flag }, base: cwd };
  });
}

function parse({ key, value, origin, base }: Given, expand: (path: string) => string): unknown {
  const { type } = optionSpec(key);
  // Text stands for a list or a map only where nothing but text can be given.
  if (origin.source === 'file' && typeof value === 'string' && (type.arity === 'many' || type.arity === 'map')) return undefined;
  const parsed = type.parse(value);
  return parsed === undefined ? undefined : (type.resolvePaths?.(parsed, (path) => resolvePath(base, expand(path))) ?? parsed);
}

function wrongValue({ key, value, origin }: Given, cwd: string): Problem {
  const { type } = optionSpec(key);
  const got = type.isSecret === true ? secretExcerpt(value) : excerpt(value);
  return { code: 'E_CONFIG_VALUE', message: `${describeOrigin(origin, cwd)}: ${key} must be ${type.expects}; got ${got}` };
}

function noCredentials({ key, origin }: Given, path: string, cwd: string): Problem {
  return {
    code: 'E_CONFIG_VALUE',
    message: `${describeOrigin(origin, cwd)}: ${key} names ${path}, but this process has no CREDENTIALS_DIRECTORY`,
    hint: 'systemd sets it for a unit with LoadCredential=; to try the config in a shell, set it to the folder that holds the files.',
  };
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function nothingToServe(file: Sources['file'], origin: Origin, cwd: string): Problem {
  const where = origin.source === 'default' ? (file === null ? '' : `${describeOrigin({ source: 'file', path: file.path }, cwd)}: `) : `${describeOrigin(origin, cwd)}: `;
  return {
    code: 'E_CONFIG_VALUE',
    message: `${where}there is nothing to serve: ${origin.source === 'default' ? 'servicers is not set' : 'servicers is empty'}`,
    hint:
      file === null
        ? 'There is no config file here. Write grpcserverd.config.yaml with "servicers: [./greeter.js]", or use --servicers ./greeter.js'
        : 'List your modules, such as servicers: [./greeter.js]',
  };
}

/** `log.level` goes to `{ log: { level } }`. */
function nest(values: ReadonlyMap<OptionKey, unknown>): Config {
  const root: Record<string, unknown> = {};
  for (const [key, value] of values) {
    const [head = key, tail] = key.split('.');
    if (tail === undefined) root[head] = value;
    else root[head] = { ...(root[head] as Record<string, unknown> | undefined), [tail]: value };
  }
  // Each option's own type parsed its value, and the Config type is made from the same table.
  return root as unknown as Config;
}
