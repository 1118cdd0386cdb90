/**
 * Runs in workers and in the inspector: finds .proto files and everything they import, before proto-loader does, to
 * say plainly what is missing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { DaemonError, systemCode } from '../../shared/errors.js';
import { loadedFiles } from '../loaded-files.js';
import type { ProtoSource } from './descriptors/compiler.js';
import { unusedName } from './descriptors/file-pool.js';
import { importsOf, type Import } from './descriptors/proto-tokens.js';
import { wellKnownName } from './descriptors/well-known.js';

export interface ProtoTree {
  /** Absolute paths of the files asked for. */
  readonly entries: readonly string[];
  /** These, and everything they import. */
  readonly sources: readonly ProtoSource[];
  /** The folders in which every import is found. */
  readonly includeDirs: string[];
}

/**
 * @param paths Absolute, or relative to a folder of `includeDirs`.
 * @param folders Absolute folders in which imports are looked up; then, as protobufjs does, beside the importer.
 * @throws DaemonError E_SERVICER when a file is missing or cannot be read.
 */
export function readProtoTree(paths: readonly string[], folders: readonly string[]): ProtoTree {
  const includeDirs = [...folders];
  /** By path. */
  const sources = new Map<string, ProtoSource>();
  const isTaken = (name: string): boolean => [...sources.values()].some((source) => source.name === name);
  const find = (path: string): string | undefined =>
    (isAbsolute(path) ? [path] : includeDirs.map((folder) => join(folder, path))).find((file) => existsSync(file));
  const findImport = (path: string, importer: string): string | undefined => {
    const found = find(path);
    if (found !== undefined || !existsSync(join(dirname(importer), path))) return found;
    includeDirs.push(dirname(importer));
    return find(path);
  };
  const read = (path: string): string => {
    const known = sources.get(path);
    if (known !== undefined) return known.name;
    const name = unusedName(nameOf(path, includeDirs), isTaken);
    const imports = new Map<string, string>();
    loadedFiles.note(path);
    const text = readText(path);
    sources.set(path, { name, text, imports });
    for (const wanted of importsOf(text)) {
      const found = findImport(wanted.path, path);
      const wellKnown = wellKnownName(wanted.path);
      if (wellKnown !== undefined) imports.set(wanted.path, wellKnown);
      else if (found !== undefined) imports.set(wanted.path, read(found));
      else if (!wanted.isWeak) throw notFound(path, wanted, includeDirs);
    }
    return name;
  };
  const entries = paths.map((path) => {
    const found = find(path);
    if (found !== undefined) return found;
    throw new DaemonError('E_SERVICER', `There is no ${path}${isAbsolute(path) ? '' : ` in ${includeDirs.join(', ')}`}`);
  });
  entries.forEach(read);
  return { entries, sources: [...sources.values()], includeDirs };
}

/** The path below the first folder that holds the file, which is how others import it. */
function nameOf(path: string, includeDirs: readonly string[]): string {
  const names = includeDirs.map((folder) => relative(folder, path));
  const below = names.find((name) => !name.startsWith('..') && !isAbsolute(name));
  return (below ?? basename(path)).split(sep).join('/');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new DaemonError('E_SERVICER', `Cannot read ${path} (${systemCode(cause)})`, { cause });
  }
}

function notFound(importer: string, { path, line }: Import, includeDirs: readonly string[]): DaemonError {
  const root = ancestorsOf(importer).find((folder) => existsSync(join(folder, path)));
  return new DaemonError('E_SERVICER', `${importer}, line ${line}: cannot find "${path}" in ${includeDirs.join(', ')}`, {
    hint: root === undefined
      ? 'Imports are looked up in the folder of the file, or in includeDirs: loadProto(path, { includeDirs: [...] })'
      : `It is in ${root}: loadProto(path, { includeDirs: ['${root}'] })`,
  });
}

function ancestorsOf(path: string): string[] {
  const folder = dirname(resolve(path));
  return folder === path ? [] : [folder, ...ancestorsOf(folder)];
}
