/**
 * Runs in workers: descriptors from service definitions that were loaded without `context.loadProto`. proto-loader
 * puts its own FileDescriptorProtos beside them: one per package, without imports, under names of its own. They are
 * taken apart and put together again as files that strict clients accept.
 */
import { decodeFile } from './codec.js';
import { decideSyntax, type Syntax } from './decide-syntax.js';
import { emptyFile, qualified, type FileDescriptor } from './file-descriptor.js';
import { unusedName, type FilePool } from './file-pool.js';
import { layers } from './layers.js';
import { linkFile } from './linker.js';
import { dropUnpackedMarks, mendFile } from './mend.js';
import { symbolsOf, type FileSymbol, type Lookup } from './symbols.js';

/** A message, enum, service or extension at the top of a file. */
interface Definition {
  readonly name: string;
  /** As a file of its own. */
  readonly content: FileDescriptor;
  /** Names of the definitions that it needs, known ones included. */
  readonly uses: ReadonlySet<string>;
}

/**
 * @param encoded The FileDescriptorProtos of proto-loader, of one or more loads.
 * @param pool What is known already, well-known files among it; is not described again.
 * @throws Error when they do not hold together.
 */
export function filesFromDefinitions(encoded: Iterable<Uint8Array>, pool: FilePool): FileDescriptor[] {
  const definitions = linkAll(takeApart(encoded)).filter(({ name }) => pool.fileOf(name) === undefined);
  const syntaxOf = decideSyntax(definitions);
  const files = new Map<string, FileDescriptor>();
  /** Definition -> file. */
  const homes = new Map<string, FileDescriptor>();
  const isTaken = (name: string): boolean => files.has(name) || pool.file(name) !== undefined;
  for (const [first, ...others] of arrange(definitions, syntaxOf)) {
    const members = [first, ...others];
    const file = putTogether(unusedName(fileName(first.content.package), isTaken), syntaxOf(first), members);
    files.set(file.name, file);
    for (const { name } of members) homes.set(name, file);
  }
  for (const { name, uses } of definitions) {
    const file = homes.get(name);
    for (const used of uses) {
      const dependency = homes.get(used)?.name ?? pool.fileOf(used)?.name;
      if (file === undefined || dependency === undefined || dependency === file.name) continue;
      if (!file.dependency.includes(dependency)) file.dependency.push(dependency);
    }
  }
  return [...files.values()];
}

/** The first of several definitions of one name stands: loads overlap in what they import. */
function takeApart(encoded: Iterable<Uint8Array>): Map<string, FileDescriptor> {
  const parts = new Map<string, FileDescriptor>();
  for (const bytes of encoded) {
    const file = decodeFile(bytes);
    mendFile(file);
    for (const list of ['messageType', 'enumType', 'service', 'extension'] as const) {
      for (const definition of file[list]) {
        const name = qualified(file.package, definition.name);
        if (!parts.has(name)) parts.set(name, { ...emptyFile(name), package: file.package, [list]: [definition] });
      }
    }
  }
  return parts;
}

function linkAll(parts: ReadonlyMap<string, FileDescriptor>): Definition[] {
  const symbols = new Map<string, FileSymbol>();
  for (const part of parts.values()) for (const symbol of symbolsOf(part)) symbols.set(symbol.name, symbol);
  const lookup: Lookup = (name) => symbols.get(name);
  const topLevel = (name: string): string => {
    const dot = name.lastIndexOf('.');
    return parts.has(name) || dot < 0 ? name : topLevel(name.slice(0, dot));
  };
  return Array.from(parts, ([name, content]) => {
    const used = linkFile(content, lookup, lookup);
    return { name, content, uses: new Set(Array.from(used, topLevel)) };
  });
}

/** One file for each package and syntax, unless files would import each other in a circle: then as many as it takes. */
function arrange(
  definitions: readonly Definition[], syntaxOf: (definition: Definition) => Syntax,
): [Definition, ...Definition[]][] {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  const keyOf = (name: string): string => {
    const definition = byName.get(name);
    return definition === undefined ? '' : `${definition.content.package} ${syntaxOf(definition)}`;
  };
  const usesOf = (name: string): string[] => [...(byName.get(name)?.uses ?? [])].filter((used) => byName.has(used));
  const files = groupBy(definitions, ({ name }) => keyOf(name));
  const neededBy = (key: string): string[] => (files.get(key) ?? []).flatMap(({ name }) => usesOf(name)).map(keyOf);
  if (layers([...files.keys()], neededBy, (key) => key) !== undefined) return [...files.values()];
  const layerOf = layers([...byName.keys()], usesOf, keyOf);
  return [...groupBy(definitions, ({ name }) => `${keyOf(name)} ${layerOf?.get(name) ?? 0}`).values()];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, [T, ...T[]]> {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function putTogether(name: string, syntax: Syntax, members: readonly Definition[]): FileDescriptor {
  const contents = members.map(({ content }) => content);
  const file = {
    ...emptyFile(name),
    package: contents[0]?.package ?? '',
    messageType: contents.flatMap(({ messageType }) => messageType),
    enumType: contents.flatMap(({ enumType }) => enumType),
    service: contents.flatMap(({ service }) => service),
    extension: contents.flatMap(({ extension }) => extension),
  };
  if (syntax === 'proto3') return { ...file, syntax };
  dropUnpackedMarks(file);
  return file;
}

/** Where such a package is by custom: `acme.shop.v1` in `acme/shop/v1/shop.proto`. */
function fileName(packageName: string): string {
  if (packageName === '') return 'root.proto';
  const folders = packageName.split('.');
  const base = folders.findLast((part) => !/^v\d/.test(part)) ?? 'package';
  return `${folders.join('/')}/${base}.proto`;
}
