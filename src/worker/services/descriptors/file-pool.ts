/** Runs in workers: the files that reflection describes. */
import { encodeFile } from './codec.js';
import type { FileDescriptor } from './file-descriptor.js';
import { symbolsOf } from './symbols.js';

export interface PoolFile {
  readonly name: string;
  /** The encoded FileDescriptorProto. */
  readonly bytes: Uint8Array;
  readonly dependencies: readonly string[];
}

/** A file to be added; `bytes` is its encoded form where that exists already. */
export interface NewFile {
  readonly file: FileDescriptor;
  readonly bytes?: Uint8Array;
}

/** All files that reflection knows, by name and by what they define. */
export class FilePool {
  readonly #files = new Map<string, PoolFile>();
  /** Full name -> file. */
  readonly #symbols = new Map<string, string>();
  /** Full name of the extended message -> number -> file. */
  readonly #extensions = new Map<string, Map<number, string>>();

  /**
   * Adds files that belong together. Two groups may know one file by different names, or different files by one
   * name, when each was loaded from a folder of its own: a file whose definitions are all known is not added again,
   * and a name that is taken by another file gets a number.
   */
  add(group: readonly NewFile[]): void {
    const names = new Map(group.map(({ file }) => [file.name, this.#nameFor(file)]));
    for (const { file, bytes } of group) {
      const { name } = file;
      const finalName = names.get(name) ?? name;
      if (this.#files.has(finalName)) continue;
      const dependencies = file.dependency.map((dependency) => names.get(dependency) ?? dependency);
      const isRenamed = finalName !== name || dependencies.some((each, index) => each !== file.dependency[index]);
      const final = isRenamed ? { ...file, name: finalName, dependency: dependencies } : file;
      const encoded = isRenamed || bytes === undefined ? encodeFile(final) : bytes;
      this.#files.set(finalName, { name: finalName, bytes: encoded, dependencies });
      this.#index(final);
    }
  }

  #nameFor(file: FileDescriptor): string {
    const definitions = [...file.messageType, ...file.enumType, ...file.service, ...file.extension];
    const prefix = file.package === '' ? '' : `${file.package}.`;
    const homes = new Set(definitions.map(({ name }) => this.#symbols.get(prefix + name)));
    const [home] = homes;
    if (homes.size === 1 && home !== undefined) return home;
    // A file without definitions only imports: the same name has to do.
    return homes.size === 0 ? file.name : unusedName(file.name, (name) => this.#files.has(name));
  }

  #index(file: FileDescriptor): void {
    for (const symbol of symbolsOf(file)) {
      if (!this.#symbols.has(symbol.name)) this.#symbols.set(symbol.name, file.name);
      if (symbol.kind !== 'extension') continue;
      const type = (symbol.descriptor.extendee ?? '').slice(1);
      const numbers = this.#extensions.get(type) ?? new Map<number, string>();
      this.#extensions.set(type, numbers.set(symbol.descriptor.number, file.name));
    }
  }

  file(name: string): PoolFile | undefined {
    return this.#files.get(name);
  }

  /** The file that defines a service, method, message, field, oneof, enum, enum value or extension. */
  fileOf(symbol: string): PoolFile | undefined {
    return this.#files.get(this.#symbols.get(symbol) ?? '');
  }

  fileOfExtension(type: string, number: number): PoolFile | undefined {
    return this.#files.get(this.#extensions.get(type)?.get(number) ?? '');
  }

  /** Field numbers of all extensions of a message, ascending. */
  extensionNumbers(type: string): number[] {
    return [...(this.#extensions.get(type)?.keys() ?? [])].sort((a, b) => a - b);
  }
}

/** `a/b.proto`, or `a/b-2.proto`, `a/b-3.proto`... */
export function unusedName(name: string, isTaken: (name: string) => boolean): string {
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? name : name.replace(/(\.proto)?$/, `-${count}$1`);
    if (!isTaken(candidate)) return candidate;
  }
}
