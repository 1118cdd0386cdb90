/**
 * The types an option can have. Each knows how to read a value as a file, the environment or a flag gives it,
 * how to print it, and its JSON Schema. `In` is what a person may write, `Out` what the daemon works with.
 */
import { formatDuration, formatSize, parseDuration, parseSize } from '../shared/quantity.js';

export interface OptionType<Out, In = Out> {
  /** What is accepted, in words that fit after "must be": `a duration such as "30s"`. */
  readonly expects: string;
  /** How a flag takes it: alone (`--health`, `--no-health`), once, or repeated. */
  readonly arity: 'switch' | 'one' | 'many' | 'map';
  /** Returns the value, or undefined when it does not fit. Text from flags and environment comes as strings. */
  parse(value: unknown): Out | undefined;
  /** As it would be written in YAML. */
  format(value: Out): string;
  readonly schema: Readonly<Record<string, unknown>>;
  /** True when values are paths, to be resolved against the folder of the config file. */
  readonly isPath?: boolean;
  /** Makes paths in the value absolute. */
  resolvePaths?(value: Out, resolve: (path: string) => string): Out;
  /** The value as it may be shown to people; the default shows it as it is. */
  redact?(value: Out): unknown;
  /** True when a value may hold what nobody must see, so that even one that does not fit is not quoted. */
  readonly isSecret?: boolean;
  /** Carries the input type; never set. */
  readonly input?: In;
}

type Scalar<Out, In = Out> = OptionType<Out, In>;

const OFF = new Set<unknown>(['off', 'false', false, null]);

export function text(expects = 'text', pattern?: RegExp): Scalar<string> {
  return {
    expects,
    arity: 'one',
    parse: (value) =>
      typeof value === 'string' && value !== '' && (pattern === undefined || pattern.test(value)) ? value : undefined,
    format: (value) => value,
    schema: { type: 'string', ...(pattern === undefined ? {} : { pattern: pattern.source }) },
  };
}

/** A path, made absolute against the folder of the file that it was written in. */
export function path(): Scalar<string> {
  return { ...text('a path'), isPath: true, resolvePaths: (value, resolve) => resolve(value) };
}

export function integer(min: number, max: number): Scalar<number> {
  return {
    expects: `a whole number from ${String(min)} to ${String(max)}`,
    arity: 'one',
    parse(value) {
      const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
      return number >= min && number <= max ? number : undefined;
    },
    format: String,
    schema: { type: 'integer', minimum: min, maximum: max },
  };
}

export function flag(): Scalar<boolean> {
  return {
    expects: 'true or false',
    arity: 'switch',
    parse: (value) =>
      value === true || value === 'true' || value === '1'
        ? true
        : value === false || value === 'false' || value === '0'
          ? false
          : undefined,
    format: String,
    schema: { type: 'boolean' },
  };
}

export function choice<const T extends string>(...values: readonly T[]): Scalar<T> {
  const list = values.map((value) => `"${value}"`).join(', ');
  return {
    expects: values.length === 1 ? list : `one of ${list}`,
    arity: 'one',
    parse: (value) => values.find((candidate) => candidate === value),
    format: (value) => value,
    schema: { enum: values },
  };
}

/** Milliseconds. A unit is demanded, so that nobody waits 30 ms for what was meant as 30 s. */
export function duration(min = 0, max = 2 ** 31 - 1): Scalar<number, string> {
  return {
    expects: `a duration with a unit, such as "500ms", "30s" or "5m"${min > 0 ? `, at least ${formatDuration(min)}` : ''}`,
    arity: 'one',
    parse(value) {
      const ms = typeof value === 'string' ? parseDuration(value) : value === 0 ? 0 : undefined;
      return ms !== undefined && ms >= min && ms <= max ? ms : undefined;
    },
    format: formatDuration,
    schema: { type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)$' },
  };
}

/** Bytes. */
export function size(max = 2 ** 31 - 1): Scalar<number, string | number> {
  return {
    expects: 'a size such as "4MiB", or a number of bytes',
    arity: 'one',
    parse(value) {
      const bytes = typeof value === 'string' ? parseSize(value) : value;
      if (typeof bytes !== 'number' || !Number.isInteger(bytes)) return undefined;
      return bytes > 0 && bytes <= max ? bytes : undefined;
    },
    format: formatSize,
    schema: { type: ['string', 'integer'] },
  };
}

/** The type, or null for `off`, `false` and `null`. */
export function orOff<Out, In>(type: OptionType<Out, In>): OptionType<Out | null, In | 'off' | false | null> {
  return {
    ...type,
    expects: `${type.expects}, or "off"`,
    parse: (value) => (OFF.has(value) ? null : type.parse(value)),
    format: (value) => (value === null ? 'off' : type.format(value)),
    schema: { anyOf: [type.schema, { enum: ['off', false, null] }] },
    resolvePaths: (value, resolve) => (value === null ? null : (type.resolvePaths?.(value, resolve) ?? value)),
    redact: (value) => (value === null ? null : (type.redact?.(value) ?? value)),
  };
}

/** The type, or one fixed word that stands for a choice of the daemon's. */
export function orWord<const W extends string, Out, In>(word: W, type: OptionType<Out, In>): OptionType<Out | W, In | W> {
  return {
    ...type,
    expects: `${type.expects}, or "${word}"`,
    parse: (value) => (value === word ? word : type.parse(value)),
    format: (value) => (value === word ? word : type.format(value as Out)),
    schema: { anyOf: [type.schema, { const: word }] },
    resolvePaths: (value, resolve) =>
      value === word ? word : (type.resolvePaths?.(value as Out, resolve) ?? (value)),
    redact: (value) => (value === word ? word : (type.redact?.(value as Out) ?? value)),
  };
}

/** A list: an array in files, a repeated flag, commas in the environment. */
export function list<Out, In>(item: OptionType<Out, In>): OptionType<readonly Out[], readonly In[]> {
  return {
    expects: `a list, each ${item.expects}`,
    arity: 'many',
    parse(value) {
      const raw: unknown = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value;
      if (!Array.isArray(raw)) return undefined;
      const parsed = raw.map((entry) => item.parse(entry));
      return parsed.includes(undefined) ? undefined : (parsed as Out[]);
    },
    format: (value) => `[${value.map((entry) => item.format(entry)).join(', ')}]`,
    schema: { type: 'array', items: item.schema },
    redact: (value) => value.map((entry) => item.redact?.(entry) ?? (typeof entry === 'object' ? item.format(entry) : entry)),
    isSecret: item.isSecret ?? false,
    ...(item.resolvePaths === undefined
      ? {}
      : {
          resolvePaths: (value: readonly Out[], resolve: (path: string) => string) =>
            value.map((entry) => item.resolvePaths?.(entry, resolve) ?? entry),
        }),
  };
}
