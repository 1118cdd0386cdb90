/** Runs in workers: a compiler for .proto files, as far as descriptors go. */
import type { FileDescriptor } from './file-descriptor.js';
import { linkFile } from './linker.js';
import { jsonName } from './names.js';
import { interpretOptions } from './option-interpreter.js';
import { parseProto, type ParsedProto } from './proto-parser.js';
import { SymbolTables, symbolsOf } from './symbols.js';

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
export function compileProtos(
  sources: readonly ProtoSource[], library: ReadonlyMap<string, FileDescriptor>,
): FileDescriptor[] {
  const parsed = sources.map(parseSource);
  const files = new Map([...library, ...parsed.map(({ file }) => [file.name, file] as const)]);
  const symbols = new SymbolTables(files.values());
  for (const { file } of parsed) {
    const visible = visibleFrom(file, files);
    const used = linkFile(file, symbols.lookupIn(visible), symbols.lookup);
    // protobufjs lets a file use what only its imports import. A descriptor must say so.
    for (const name of used) {
      if (symbols.lookupIn(visible)(name) !== undefined) continue;
      const home = symbols.fileOf(name);
      if (home === undefined) continue;
      file.dependency.push(home);
      visible.add(home);
    }
  }
  for (const { file, options } of parsed) {
    interpretOptions(options, { visible: symbols.lookupIn(visibleFrom(file, files)), anywhere: symbols.lookup });
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
