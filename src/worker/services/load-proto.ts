/** Runs in workers and in the inspector: context.loadProto. What it loads, reflection describes faithfully. */
import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { loadPackageDefinition, type GrpcObject } from '@grpc/grpc-js';
import type { Options, PackageDefinition } from '@grpc/proto-loader';
import { DaemonError, systemCode, toError } from '../../shared/errors.js';
import { loadedFiles } from '../loaded-files.js';
import type { DescriptorRegistry } from './descriptor-registry.js';
import { decodeFile, splitSet } from './descriptors/codec.js';
import type { FileDescriptor } from './descriptors/file-descriptor.js';
import { protobufjsJson } from './descriptors/protobufjs-json.js';
import { wellKnownFiles } from './descriptors/well-known.js';
import { readProtoTree } from './proto-tree.js';

const require = createRequire(import.meta.url);

/**
 * Options of proto-loader, and what they are when not given: `keepCase: true`, `longs: String`, `enums: String`,
 * `defaults: true`, `oneofs: true`; so messages look as they do in the .proto file. `includeDirs`, the folders in
 * which imports are looked up, is the folder of each file; an import may also be beside its importer.
 */
export type LoadProtoOptions = Options;

/**
 * Loads services and messages for `server.addService`.
 * @param path A .proto file, a descriptor set (.binpb, .pb, .protoset, .desc: protoc --include_imports
 *   --descriptor_set_out, buf build -o), or several of them.
 * @typeParam Proto what the files hold, as proto-loader-gen-types writes it: `ProtoGrpcType`
 * @throws DaemonError E_SERVICER when a file is missing or not valid.
 */
// Nothing else could say which type belongs to a file.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export type LoadProto = <Proto = GrpcObject>(path: string | readonly string[], options?: LoadProtoOptions) => Proto;

const DEFAULTS = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true } satisfies Options;
const DESCRIPTOR_SET = /\.(?:binpb|pb|protoset|desc)$/;

/** @param baseFolder What relative paths are relative to: the folder of the servicer or of the config file. */
export function createLoadProto(registry: DescriptorRegistry, baseFolder: string): LoadProto {
  const load = (path: string | readonly string[], options: LoadProtoOptions = {}): GrpcObject => {
    const paths = typeof path === 'string' ? [path] : path;
    const merged: Options = { ...DEFAULTS, ...options };
    const includeDirs = options.includeDirs?.map((folder) => resolve(baseFolder, folder));
    const absolute = (file: string): string => {
      const fromBase = resolve(baseFolder, file);
      // As for protoc, a path may be relative to an include folder.
      return includeDirs === undefined || existsSync(fromBase) ? fromBase : file;
    };
    const sets = paths.filter((file) => DESCRIPTOR_SET.test(file)).map((file) => resolve(baseFolder, file));
    const protos = paths.filter((file) => !DESCRIPTOR_SET.test(file)).map(absolute);
    const definition: PackageDefinition = {};
    for (const set of sets) Object.assign(definition, loadSet(set, merged, registry));
    if (protos.length > 0) {
      const folders = includeDirs ?? [...new Set(protos.map((file) => dirname(file)))];
      Object.assign(definition, loadSources(protos, folders, merged, registry));
    }
    return loadPackageDefinition(definition);
  };
  // The caller knows what is in the files.
  return load as LoadProto;
}

function loadSources(
  paths: readonly string[], folders: readonly string[], options: Options, registry: DescriptorRegistry,
): PackageDefinition {
  const { entries, sources, includeDirs } = readProtoTree(paths, folders);
  const definition = explain(entries.join(', '), () => loader().loadSync([...entries], { ...options, includeDirs }));
  registry.addSources(sources);
  return definition;
}

function loadSet(path: string, options: Options, registry: DescriptorRegistry): PackageDefinition {
  loadedFiles.note(path);
  const bytes = readSet(path);
  return explain(path, () => {
    const encoded = splitSet(bytes);
    const files = withWellKnown(encoded.map(decodeFile));
    const definition = loader().fromJSON(protobufjsJson(files, options.keepCase === true), options);
    registry.addSet(encoded);
    return definition;
  });
}

/** Not every set holds google/protobuf/*.proto, which everybody has. */
function withWellKnown(files: readonly FileDescriptor[]): FileDescriptor[] {
  const present = new Set(files.map(({ name }) => name));
  const missing = new Set(files.flatMap(({ dependency }) => dependency).filter((name) => !present.has(name)));
  const unknown = [...missing].filter((name) => !wellKnownFiles().has(name));
  if (unknown.length > 0) throw new Error(`it lacks ${unknown.join(', ')}; make it with --include_imports`);
  if (missing.size === 0) return [...files];
  return [...files, ...[...wellKnownFiles().values()].filter(({ name }) => !present.has(name))];
}

type Loader = typeof import('@grpc/proto-loader');

const loader = (): Loader => require('@grpc/proto-loader') as Loader;

function readSet(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new DaemonError('E_SERVICER', `Cannot read the descriptor set ${path} (${systemCode(cause)})`, { cause });
  }
}

function explain<T>(path: string, load: () => T): T {
  try {
    return load();
  } catch (cause) {
    const hint = 'Mend the file, then run grpcserverd check.';
    throw new DaemonError('E_SERVICER', `Cannot load ${path}: ${toError(cause).message}`, { cause, hint });
  }
}
