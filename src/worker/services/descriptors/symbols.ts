/** Runs in workers: what a file defines, and how a name finds it. */
import {
  qualified,
  type EnumDescriptor, type EnumValueDescriptor, type FieldDescriptor, type FileDescriptor, type MessageDescriptor,
  type MethodDescriptor, type OneofDescriptor, type ServiceDescriptor,
} from './file-descriptor.js';

/** A named thing in a file; `name` is its full name without a leading dot. */
export type FileSymbol = { readonly name: string } & (
  | { readonly kind: 'message'; readonly descriptor: MessageDescriptor }
  | { readonly kind: 'enum'; readonly descriptor: EnumDescriptor }
  | { readonly kind: 'service'; readonly descriptor: ServiceDescriptor }
  | { readonly kind: 'method'; readonly descriptor: MethodDescriptor }
  /** `scope` is where the names in the field are looked up from. */
  | { readonly kind: 'field' | 'extension'; readonly descriptor: FieldDescriptor; readonly scope: string }
  | { readonly kind: 'oneof'; readonly descriptor: OneofDescriptor }
  | { readonly kind: 'value'; readonly descriptor: EnumValueDescriptor }
);

/** Everything in a file that has a name. Enum values are siblings of their enum, as in C++. */
export function* symbolsOf(file: FileDescriptor): Generator<FileSymbol, void> {
  const scope = file.package;
  for (const message of file.messageType) yield* messageSymbols(message, scope);
  for (const descriptor of file.enumType) yield* enumSymbols(descriptor, scope);
  for (const descriptor of file.extension) {
    yield { name: qualified(scope, descriptor.name), kind: 'extension', descriptor, scope };
  }
  for (const descriptor of file.service) {
    const name = qualified(scope, descriptor.name);
    yield { name, kind: 'service', descriptor };
    for (const method of descriptor.method) {
      yield { name: qualified(name, method.name), kind: 'method', descriptor: method };
    }
  }
}

function* messageSymbols(descriptor: MessageDescriptor, parent: string): Generator<FileSymbol, void> {
  const scope = qualified(parent, descriptor.name);
  yield { name: scope, kind: 'message', descriptor };
  for (const field of descriptor.field) {
    yield { name: qualified(scope, field.name), kind: 'field', descriptor: field, scope };
  }
  for (const field of descriptor.extension) {
    yield { name: qualified(scope, field.name), kind: 'extension', descriptor: field, scope };
  }
  for (const oneof of descriptor.oneofDecl) {
    yield { name: qualified(scope, oneof.name), kind: 'oneof', descriptor: oneof };
  }
  for (const nested of descriptor.nestedType) yield* messageSymbols(nested, scope);
  for (const nested of descriptor.enumType) yield* enumSymbols(nested, scope);
}

function* enumSymbols(descriptor: EnumDescriptor, parent: string): Generator<FileSymbol, void> {
  yield { name: qualified(parent, descriptor.name), kind: 'enum', descriptor };
  for (const value of descriptor.value) {
    yield { name: qualified(parent, value.name), kind: 'value', descriptor: value };
  }
}

/** Finds a symbol by its full name without a leading dot. */
export type Lookup = (name: string) => FileSymbol | undefined;

/**
 * Finds what a name in a .proto file means: with a leading dot it is complete, else the innermost scope that has it
 * wins. `fits` tells the kinds of symbol that can be meant.
 */
export function resolve(
  reference: string, scope: string, lookup: Lookup, fits: (symbol: FileSymbol) => boolean,
): FileSymbol | undefined {
  if (reference.startsWith('.')) {
    const symbol = lookup(reference.slice(1));
    return symbol !== undefined && fits(symbol) ? symbol : undefined;
  }
  for (let from = scope; ; from = from.slice(0, Math.max(from.lastIndexOf('.'), 0))) {
    const symbol = lookup(qualified(from, reference));
    if (symbol !== undefined && fits(symbol)) return symbol;
    if (from === '') return undefined;
  }
}

/** What files define, looked up by full name in some of them or in all. */
export class SymbolTables {
  /** File -> full name -> symbol. */
  readonly #tables = new Map<string, ReadonlyMap<string, FileSymbol>>();
  /** Full name -> the first file that defines it. */
  readonly #homes = new Map<string, string>();

  constructor(files: Iterable<FileDescriptor>) {
    for (const file of files) {
      const table = new Map(Array.from(symbolsOf(file), (symbol) => [symbol.name, symbol]));
      this.#tables.set(file.name, table);
      for (const name of table.keys()) if (!this.#homes.has(name)) this.#homes.set(name, file.name);
    }
  }

  fileOf(name: string): string | undefined {
    return this.#homes.get(name);
  }

  readonly lookup: Lookup = (name) => this.#tables.get(this.#homes.get(name) ?? '')?.get(name);

  lookupIn(files: Iterable<string>): Lookup {
    const tables = Array.from(files, (file) => this.#tables.get(file));
    return (name) => {
      for (const table of tables) {
        const symbol = table?.get(name);
        if (symbol !== undefined) return symbol;
      }
      return undefined;
    };
  }
}
