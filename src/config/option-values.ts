/** Option types that belong to one option each: modules, certificates, signature data, grpc-js options. */
import { text, type OptionType } from './option-types.js';

/** A module of the user's, and the export wanted of it. */
export interface ModuleReference {
  /** An absolute path, or a package name. */
  readonly module: string;
  /** The folder that a package name is looked up from; absent for paths. */
  readonly from?: string;
  readonly exportName: string | null;
  /** Present when the export is to be called once with these options and returns the real thing. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** PEM text, or a file that holds it. */
export type CertificateSource = { readonly path: string } | { readonly pem: string };

/** The values that are accepted for one key of the metadata, or the file that holds them, one a line. */
export type SignatureValue = { readonly values: readonly string[] } | { readonly file: string };

/** What only those who know it may do things with: the text itself, or the file that holds it. */
export type Secret = { readonly text: string } | { readonly file: string };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Parses JSON when the value came as text (environment, flags); undefined when it is no JSON. */
function fromJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

const isPath = (module: string): boolean => /^\.{0,2}\//.test(module);

function resolveModule(value: ModuleReference, resolve: (path: string) => string): ModuleReference {
  return isPath(value.module) ? { ...value, module: resolve(value.module) } : { ...value, from: resolve('.') };
}

function parseReference(value: unknown): ModuleReference | undefined {
  if (typeof value !== 'string' || value === '' || value.startsWith('#')) return undefined;
  const hash = value.lastIndexOf('#');
  if (hash === -1) return { module: value, exportName: null };
  return hash === value.length - 1 ? undefined : { module: value.slice(0, hash), exportName: value.slice(hash + 1) };
}

const formatReference = ({ module, exportName }: ModuleReference): string =>
  exportName === null ? module : `${module}#${exportName}`;

/** `"./path.js"`, `"./path.js#exportName"` or a package name. */
export const servicer: OptionType<ModuleReference, string> = {
  expects: 'a module: "./path.js", "./path.js#exportName" or a package name',
  arity: 'one',
  parse: parseReference,
  format: formatReference,
  schema: { type: 'string' },
  resolvePaths: resolveModule,
};

/** As a servicer, or `{ module, options }`. */
export const interceptor: OptionType<
  ModuleReference,
  string | { readonly module: string; readonly options: Readonly<Record<string, unknown>> }
> = {
  expects: 'a module: "./path.js", "./path.js#exportName", a package name, or { module, options }',
  isSecret: true,
  arity: 'one',
  parse(value) {
    if (typeof value === 'string' && !value.startsWith('{')) return parseReference(value);
    const record = fromJson(value);
    if (!isRecord(record)) return undefined;
    const { module, options = {}, ...rest } = record;
    const reference = parseReference(module);
    return reference !== undefined && isRecord(options) && Object.keys(rest).length === 0
      ? { ...reference, options }
      : undefined;
  },
  format: (value) =>
    value.options === undefined
      ? formatReference(value)
      : JSON.stringify({ module: formatReference(value), options: value.options }),
  schema: {
    anyOf: [
      { type: 'string' },
      {
        type: 'object',
        properties: { module: { type: 'string' }, options: { type: 'object' } },
        required: ['module'],
        additionalProperties: false,
      },
    ],
  },
  resolvePaths: resolveModule,
  redact: (value) =>
    value.options === undefined
      ? formatReference(value)
      : { module: formatReference(value), options: Object.fromEntries(Object.keys(value.options).map((key) => [key, '***'])) },
};

/** A path, PEM text, or what `loadCredentialFromFile(path)` returned. */
export const certificate: OptionType<CertificateSource, string | { readonly path: string }> = {
  expects: 'a path, PEM text, or what loadCredentialFromFile(path) returns',
  isSecret: true,
  arity: 'one',
  parse(value) {
    if (isRecord(value)) return typeof value.path === 'string' ? { path: value.path } : undefined;
    if (typeof value !== 'string' || value.trim() === '') return undefined;
    return value.includes('-----BEGIN ') ? { pem: value } : { path: value };
  },
  format: (value) => ('path' in value ? value.path : '***'),
  schema: { anyOf: [{ type: 'string' }, { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }] },
  resolvePaths: (value, resolve) => ('path' in value ? { path: resolve(value.path) } : value),
  redact: (value) => ('path' in value ? value.path : '***'),
};

function parseSignatureValue(value: unknown): SignatureValue | undefined {
  if (typeof value === 'string') return { values: [value] };
  if (Array.isArray(value)) {
    const values = value.filter((entry): entry is string => typeof entry === 'string');
    return values.length === value.length && values.length > 0 ? { values } : undefined;
  }
  return isRecord(value) && typeof value.file === 'string' && Object.keys(value).length === 1
    ? { file: value.file }
    : undefined;
}

/** Keys of the metadata (lower-cased) with what they must hold. Values are secrets. */
export const signatureData: OptionType<
  Readonly<Record<string, SignatureValue>>,
  Readonly<Record<string, string | readonly string[] | { readonly file: string }>>
> = {
  expects: 'a map from metadata keys to text, to a list of texts (any is accepted) or to { file: path }; keys must not end in "-bin"',
  isSecret: true,
  arity: 'map',
  parse(value) {
    const record = fromJson(value);
    if (!isRecord(record)) return undefined;
    const parsed: [key: string, value: SignatureValue][] = [];
    for (const [key, raw] of Object.entries(record)) {
      const entry = parseSignatureValue(raw);
      if (entry === undefined || !/^[0-9a-z_.-]+$/i.test(key) || key.toLowerCase().endsWith('-bin')) return undefined;
      parsed.push([key.toLowerCase(), entry]);
    }
    return Object.fromEntries(parsed);
  },
  format: (value) => JSON.stringify(Object.fromEntries(Object.keys(value).map((key) => [key, '***']))),
  schema: {
    type: 'object',
    additionalProperties: {
      anyOf: [
        { type: 'string' },
        { type: 'array', items: { type: 'string' }, minItems: 1 },
        { type: 'object', properties: { file: { type: 'string' } }, required: ['file'], additionalProperties: false },
      ],
    },
  },
  resolvePaths: (value, resolve) =>
    Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, 'file' in entry ? { file: resolve(entry.file) } : entry]),
    ),
  redact: (value) =>
    Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, 'file' in entry ? { file: entry.file } : '***'])),
};

/** A host name, an address, or the path of a unix socket. */
export const listenHost: OptionType<string> = {
  ...text('a host name, an address, or unix:/path'),
  resolvePaths: (value, resolve) => (value.startsWith('unix:') ? `unix:${resolve(value.slice(5))}` : value),
};

/** Where to listen: a host and a port, or the path of a unix socket as `host` and 0. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const formatEndpoint = ({ host, port }: Endpoint): string =>
  host.startsWith('unix:') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;

export const endpoint: OptionType<Endpoint, string> = {
  expects: '"host:port" (an IPv6 address in brackets), or unix:/path',
  arity: 'one',
  parse(value) {
    if (typeof value !== 'string') return undefined;
    if (/^unix:./.test(value)) return { host: value, port: 0 };
    const [, address, name, port] = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(value) ?? [];
    const host = address ?? name;
    return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
  },
  format: formatEndpoint,
  schema: { type: 'string' },
  resolvePaths: ({ host, port }, resolve) => ({ host: host.startsWith('unix:') ? `unix:${resolve(host.slice(5))}` : host, port }),
  redact: formatEndpoint,
};

/** A module for `--import`: node loads it by itself, so it is JavaScript. */
export const preloadModule: OptionType<ModuleReference, string> = {
  expects: 'a JavaScript module: "./path.js" or a package name',
  arity: 'one',
  parse: (value) => (typeof value === 'string' && value !== '' && !/#|\.[mc]?ts$/.test(value) ? { module: value, exportName: null } : undefined),
  format: formatReference,
  schema: { type: 'string' },
  resolvePaths: resolveModule,
};

/** Channel options of grpc-js: keys such as `grpc.max_concurrent_streams`, values numbers or text. */
export const channelOptions: OptionType<Readonly<Record<string, number | string>>> = {
  expects: 'a map of grpc-js channel options, each a number or text',
  arity: 'map',
  parse(value) {
    const record = fromJson(value);
    if (!isRecord(record)) return undefined;
    const entries = Object.entries(record).filter(
      (entry): entry is [string, number | string] => typeof entry[1] === 'number' || typeof entry[1] === 'string',
    );
    return entries.length === Object.keys(record).length ? Object.fromEntries(entries) : undefined;
  },
  format: (value) => JSON.stringify(value),
  schema: { type: 'object', additionalProperties: { type: ['number', 'string'] } },
};

/** A file, a folder, or a pattern of paths; made absolute as paths are. */
export const pathPattern: OptionType<string> = {
  ...text('a path, or a pattern such as "templates/**/*.html"'),
  resolvePaths: (value, resolve) => resolve(value),
};

/** The shortest secret: of letters and digits it cannot be guessed over a network. */
const SHORTEST_SECRET = 16;

/** True of what an Authorization header carries as it is: the characters of RFC 6750 section 2.1, and enough of them. */
export const isSecretText = (text: string): boolean => text.length >= SHORTEST_SECRET && /^[\w.~+/-]+=*$/.test(text);

/** Text, or `{ file: path }`. */
export const secret: OptionType<Secret, string | { readonly file: string }> = {
  expects: `${SHORTEST_SECRET} or more letters, digits and -._~+/, or { file: path }`,
  isSecret: true,
  arity: 'one',
  parse(value) {
    if (typeof value === 'string' && !value.startsWith('{')) return isSecretText(value) ? { text: value } : undefined;
    const record = fromJson(value);
    if (!isRecord(record) || typeof record.file !== 'string' || record.file === '' || Object.keys(record).length !== 1) return undefined;
    return { file: record.file };
  },
  format: (value) => ('file' in value ? JSON.stringify({ file: value.file }) : '***'),
  schema: {
    anyOf: [
      { type: 'string', minLength: SHORTEST_SECRET },
      { type: 'object', properties: { file: { type: 'string' } }, required: ['file'], additionalProperties: false },
    ],
  },
  resolvePaths: (value, resolve) => ('file' in value ? { file: resolve(value.file) } : value),
  redact: (value) => ('file' in value ? { file: value.file } : '***'),
};
