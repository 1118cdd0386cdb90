/** Runs in workers: looks up the names of types in a file. */
import { TYPE, type FieldDescriptor, type FileDescriptor } from './file-descriptor.js';
import { resolve, symbolsOf, type FileSymbol, type Lookup } from './symbols.js';

/**
 * Replaces the names of types in a file, as written, by full names with a leading dot, and sets the field types that
 * depend on what is named.
 * @param visible Finds what the file itself and its imports define.
 * @param elsewhere Asked for what is not visible.
 * @returns The full names, without the dot, of all types used.
 * @throws Error when a name means nothing.
 */
export function linkFile(file: FileDescriptor, visible: Lookup, elsewhere: Lookup): Set<string> {
  const used = new Set<string>();
  const find = (reference: string, scope: string, ...kinds: FileSymbol['kind'][]): FileSymbol => {
    const fits = ({ kind }: FileSymbol): boolean => kinds.includes(kind);
    const symbol = resolve(reference, scope, visible, fits) ?? resolve(reference, scope, elsewhere, fits);
    if (symbol === undefined) {
      throw new Error(`${file.name}: "${reference}", used in ${scope || 'the file'}, is not defined`);
    }
    used.add(symbol.name);
    return symbol;
  };
  const linkField = (field: FieldDescriptor, scope: string): void => {
    if (field.extendee !== undefined) field.extendee = `.${find(field.extendee, scope, 'message').name}`;
    if (field.typeName === undefined) return;
    const symbol = find(field.typeName, scope, 'message', 'enum');
    field.typeName = `.${symbol.name}`;
    if (symbol.kind === 'enum') field.type = TYPE.enum;
    else if (field.type !== TYPE.group) field.type = TYPE.message;
  };
  for (const symbol of symbolsOf(file)) {
    if (symbol.kind === 'field' || symbol.kind === 'extension') linkField(symbol.descriptor, symbol.scope);
    if (symbol.kind !== 'method') continue;
    const { descriptor, name } = symbol;
    descriptor.inputType = `.${find(descriptor.inputType, name, 'message').name}`;
    descriptor.outputType = `.${find(descriptor.outputType, name, 'message').name}`;
  }
  return used;
}
