import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ServiceDefinition, UntypedHandleCall } from '@grpc/grpc-js';
import { loadSync, type Options } from '@grpc/proto-loader';
import type { Service } from './bare-server.js';
import { ROOT } from './paths.js';
import { TempDir } from './temp-dir.js';

/** .proto files with everything that the language has; those in syntax/ are beyond protobufjs. */
export const SCHEMAS = `${ROOT}test/fixtures/schemas`;

export const schemaNames = (): string[] =>
  readdirSync(SCHEMAS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.proto')).sort();

/** Those that a server can load. */
export const servedSchemas = (): string[] => schemaNames().filter((name) => !name.startsWith('syntax/'));

/** Runs buf, a compiler and client for protobuf that is a development dependency. */
export function buf(...args: string[]): string {
  return execFileSync(`${ROOT}node_modules/.bin/buf`, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
}

/** A descriptor set, imports included, made by buf from all schemas or from some. */
export function descriptorSet(dir: TempDir, ...schemas: string[]): string {
  const path = dir.join(`${schemas.length === 0 ? 'all' : schemas.join('-').replaceAll('/', '_')}.binpb`);
  buf('build', SCHEMAS, ...schemas.flatMap((name) => ['--path', `${SCHEMAS}/${name}`]), '--as-file-descriptor-set', '-o', path);
  return path;
}

type Json = Record<string, unknown> & { readonly name: string };

/** The files of a set as JSON, options included, as buf reads them; by name. */
export function describeSet(path: string): Map<string, Json> {
  const text = buf('build', path, '--exclude-source-info', '-o', '-#format=json');
  const { file } = JSON.parse(text) as { file: Json[] };
  return new Map(file.map(({ bufExtension: _, ...rest }) => [rest.name, rest as Json]));
}

/** Service definitions as most servicers make them, without context.loadProto. */
export function plainDefinitions(schemas: readonly string[], options: Options = {}): ServiceDefinition[] {
  const loaded = loadSync([...schemas], { keepCase: true, defaults: true, includeDirs: [SCHEMAS], ...options });
  // Messages and enums have a format; services have methods.
  return Object.values(loaded).filter((each) => !('format' in each)) as ServiceDefinition[];
}

/** Handlers that answer with `answers[method]`, or with the request. */
export function service(definition: ServiceDefinition, answers: Record<string, (request: unknown) => unknown> = {}): Service {
  const entries = Object.keys(definition).map((name): [string, UntypedHandleCall] => [
    name,
    (call: { request: unknown }, callback: (error: null, response: unknown) => void) =>
      callback(null, (answers[name] ?? ((request) => request))(call.request)),
  ]);
  return { definition, implementation: Object.fromEntries(entries) };
}

export const readSchema = (name: string): string => readFileSync(resolve(SCHEMAS, name), 'utf8');
