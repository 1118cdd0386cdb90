/** Runs in workers: a compiler for .proto files, as far as descriptors go. */
import type { FileDescriptor } from './file-descriptor.js';
import { linkFile } from './linker.js';
import { jsonName } from './names.js';
import { interpretOptions } from './option-interpreter.js';
import { parseProto, type ParsedProto } from './proto-parser.js';
import { symbolsOf, type FileSymbol, type Lookup } from './symbols.js';

export interface ProtoSource {
  /** The name that the file has for reflection: its path below the folder that imports are looked up in. */
  readonly name: string;
  readonly text: string;
  /** Imports as written -> names of the files; a weak import that could not be found is absent. */
  readonly imports: ReadonlyMap<string, string>;
}

/**
 * Makes the FileDescriptorProtos of .proto files, as protoc would.
 * @param library Files that need no compiling and may be imported; among them, or among the sources, descriptor.proto.
 * @throws Error when a file is not valid or a name in it means nothing.
 */
export function compileProtos(sources: readonly ProtoSource[], library: ReadonlyMap<string, FileDescriptor>): FileDescriptor[] {
  const parsed = sources.map(parseSource);
  const files = new Map([...library, ...parsed.map(({ file }) => [file.name, file] as const)]);
  const tables = new Map(Array.from(files.values(), (file) => [file.name, symbolTable(file)]));
  const definedIn = (name: string, among: readonly string[] | ReadonlySet<string>): string | undefined => {
    for (const file of among) if (tables.get(file)?.has(name) === true) return file;
    return undefined;
  };
  const lookupIn = (among: readonly string[] | ReadonlySet<string>): Lookup => (name) => tables.get(definedIn(name, among) ?? '')?.get(name);
  const all = [...files.keys()];
  const anywhere = lookupIn(all);
  for (const { file } of parsed) {
    const visible = visibleFrom(file, files);
    const used = linkFile(file, (name) => lookupIn(visible)(name) ?? anywhere(name));
    // protobufjs lets a file use what only its imports import. A descriptor must say so.
    for (const name of used) {
      if (definedIn(name, visible) !== undefined) continue;
      const missing = definedIn(name, all) ?? '';
      file.dependency.push(missing);
      visible.add(missing);
    }
  }
  for (const { file, options } of parsed) {
    interpretOptions(options, { visible: lookupIn(visibleFrom(file, files)), anywhere });
    setJsonNames(file);
  }
  return parsed.map(({ file }) => file);
}

function parseSource({ name, text, imports }: ProtoSource): ParsedProto {
  const parsed = parseProto(name, text);
  const { file } = parsed;
  const written = file.dependency;
  file.dependency = written.map((path) => imports.get(path)).filter((path) => path !== undefined);
  const moved = (indexes: number[]): number[] =>
    indexes
      .map((index) => file.dependency.indexOf(imports.get(written[index] ?? '') ?? ''))
      .filter((index) => index >= 0);
  file.publicDependency = moved(file.publicDependency);
  file.weakDependency = moved(file.weakDependency);
  return parsed;
}

function setJsonNames(file: FileDescriptor): void {
  for (const symbol of symbolsOf(file)) {
    const { kind, descriptor } = symbol;
    if (kind === 'field' || kind === 'extension') descriptor.jsonName ??= jsonName(descriptor.name);
  }
}

const symbolTable = (file: FileDescriptor): Map<string, FileSymbol> =>
  new Map(Array.from(symbolsOf(file), (symbol) => [symbol.name, symbol]));

/** The file itself, its imports, and what these import publicly. */
function visibleFrom(file: FileDescriptor, files: ReadonlyMap<string, FileDescriptor>): Set<string> {
  const visible = new Set([file.name]);
  const add = (name: string): void => {
    if (visible.has(name)) return;
    visible.add(name);
    const imported = files.get(name);
    for (const index of imported?.publicDependency ?? []) add(imported?.dependency[index] ?? '');
  };
  file.dependency.forEach(add);
  return visible;
}
