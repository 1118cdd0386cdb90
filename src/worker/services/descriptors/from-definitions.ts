/**
 * Runs in workers: descriptors from service definitions that were loaded without `context.loadProto`. proto-loader
 * puts its own FileDescriptorProtos beside them: one per package, without imports, under names of its own. They are
 * taken apart and put together again as files that strict clients accept.
 */
import { decodeFile } from './codec.js';
import { emptyFile, qualified, type FileDescriptor } from './file-descriptor.js';
import { unusedName, type FilePool } from './file-pool.js';
import { layers } from './layers.js';
import { linkFile } from './linker.js';
import { dropUnpackedMarks, isProto2, mendFile } from './mend.js';
import { symbolsOf } from './symbols.js';

/** A message, enum, service or extension at the top of a file, as a file of its own. */
interface Definition {
  readonly name: string;
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
  const groups = arrange(definitions, ({ content, name }) => `${content.package} ${syntaxOf(name, content.package)}`);
  const files = new Map<string, FileDescriptor>();
  const home = new Map<string, string>();
  for (const members of groups.values()) {
    const [first] = members;
    if (first === undefined) continue;
    const name = unusedName(fileName(first.content.package), (taken) => files.has(taken) || pool.file(taken) !== undefined);
    const syntax = syntaxOf(first.name, first.content.package);
    files.set(name, putTogether(name, syntax, members));
    for (const member of members) home.set(member.name, name);
  }
  for (const { name, uses } of definitions) {
    const file = files.get(home.get(name) ?? '');
    for (const used of uses) {
      const dependency = home.get(used) ?? pool.fileOf(used)?.name;
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
    const empty = { ...emptyFile(file.name), package: file.package };
    const keep = (name: string, part: FileDescriptor): unknown => parts.has(name) || parts.set(name, part);
    for (const each of file.messageType) keep(qualified(file.package, each.name), { ...empty, messageType: [each] });
    for (const each of file.enumType) keep(qualified(file.package, each.name), { ...empty, enumType: [each] });
    for (const each of file.service) keep(qualified(file.package, each.name), { ...empty, service: [each] });
    for (const each of file.extension) keep(qualified(file.package, each.name), { ...empty, extension: [each] });
  }
  return parts;
}

function linkAll(parts: ReadonlyMap<string, FileDescriptor>): Definition[] {
  const symbols = new Map([...parts.values()].flatMap((part) => Array.from(symbolsOf(part), (symbol) => [symbol.name, symbol])));
  const topLevel = (name: string): string => (parts.has(name) || !name.includes('.') ? name : topLevel(name.slice(0, name.lastIndexOf('.'))));
  return Array.from(parts, ([name, content]) => {
    const used = linkFile(content, (reference) => symbols.get(reference));
    return { name, content, uses: new Set(Array.from(used, topLevel)) };
  });
}

/** Enums, services and empty messages do not show their syntax: they have that of their package, proto3 if it has both. */
function decideSyntax(definitions: readonly Definition[]): (name: string, packageName: string) => 'proto2' | 'proto3' {
  const shown = new Map<string, 'proto2' | 'proto3'>();
  const packages = new Map<string, 'proto2' | 'proto3'>();
  for (const { name, content } of definitions) {
    const [message] = content.messageType;
    const isOld = message !== undefined ? isProto2(message) : content.enumType.some(({ value }) => value[0]?.number !== 0);
    if (!isOld && (message === undefined || message.field.length === 0)) continue;
    shown.set(name, isOld ? 'proto2' : 'proto3');
    if (!isOld || !packages.has(content.package)) packages.set(content.package, isOld ? 'proto2' : 'proto3');
  }
  return (name, packageName) => shown.get(name) ?? packages.get(packageName) ?? 'proto3';
}

/** One file for each key, unless files would import each other in a circle: then as many as it takes. */
function arrange(definitions: readonly Definition[], keyOf: (definition: Definition) => string): Map<string, Definition[]> {
  const keys = new Map(definitions.map((definition) => [definition.name, keyOf(definition)]));
  const uses = new Map(definitions.map((definition) => [definition.name, [...definition.uses].filter((name) => keys.has(name))]));
  const key = (name: string): string => keys.get(name) ?? '';
  const usesOf = (name: string): readonly string[] => uses.get(name) ?? [];
  const byKey = groupBy(definitions, ({ name }) => key(name));
  const keysUsedBy = (one: string): string[] => (byKey.get(one) ?? []).flatMap(({ name }) => usesOf(name)).map(key);
  if (layers([...byKey.keys()], keysUsedBy, (one) => one) !== undefined) return byKey;
  const layerOf = layers([...keys.keys()], usesOf, key);
  return groupBy(definitions, ({ name }) => `${key(name)} ${layerOf?.get(name) ?? 0}`);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function putTogether(name: string, syntax: 'proto2' | 'proto3', members: readonly Definition[]): FileDescriptor {
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
  const folders = packageName.split('.');
  const base = folders.findLast((part) => !/^v\d/.test(part)) ?? '';
  return packageName === '' ? 'root.proto' : `${folders.join('/')}/${base || 'package'}.proto`;
}
