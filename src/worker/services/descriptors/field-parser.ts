/** Runs in workers: reads the fields of messages, oneofs and extensions of a .proto file. */
import { formatDefault } from './default-value.js';
import {
  emptyMessage, LABEL, scalarType, TYPE, type FieldDescriptor, type MessageDescriptor,
} from './file-descriptor.js';
import { mapEntryName } from './names.js';
import type { StatementReader } from './statement-reader.js';

/** Where the fields of a message, a oneof or an `extend` block go. */
export interface FieldTarget {
  readonly fields: FieldDescriptor[];
  /** Groups and map entries become messages here. */
  readonly messages: MessageDescriptor[];
  readonly scope: string;
  readonly member?: { readonly oneofIndex: number } | { readonly extendee: string };
}

const LABELS = ['optional', 'required', 'repeated'] as const;

/** MessageOptions { map_entry: true }. */
const MAP_ENTRY = Uint8Array.of(7 << 3, 1);

/** @returns The body of a group, still to be read, when the field is one. */
export function parseField(input: StatementReader, target: FieldTarget): MessageDescriptor | undefined {
  const label = LABELS.find((word) => input.accept(word));
  const type = input.reference();
  const name = input.word();
  input.expect('=');
  const field: FieldDescriptor = {
    name, number: input.integer(), label: LABEL[label ?? 'optional'], ...target.member, ...written(type),
  };
  if (label === 'optional' && input.syntax === 'proto3') field.proto3Optional = true;
  target.fields.push(field);
  if (type !== 'group') {
    parseFieldEnd(input, field, target.scope);
    return undefined;
  }
  Object.assign(field, { name: name.toLowerCase(), type: TYPE.group, typeName: name });
  parseFieldOptions(input, field, target.scope);
  const group = emptyMessage(name);
  target.messages.push(group);
  return group;
}

/** `map<int32, a.B> name = 1;` */
export function parseMap(input: StatementReader, { fields, messages, scope }: FieldTarget): void {
  input.expect('map');
  input.expect('<');
  const key = { name: 'key', number: 1, label: LABEL.optional, ...written(input.reference()) };
  input.expect(',');
  const value = { name: 'value', number: 2, label: LABEL.optional, ...written(input.reference()) };
  input.expect('>');
  const name = input.word();
  const typeName = mapEntryName(name);
  input.expect('=');
  const field = { name, number: input.integer(), label: LABEL.repeated, type: TYPE.message, typeName };
  messages.push({ ...emptyMessage(typeName), field: [key, value], options: MAP_ENTRY });
  fields.push(field);
  parseFieldEnd(input, field, scope);
}

/** A type as far as its name tells. */
function written(name: string): { type: number } | { typeName: string } {
  const type = scalarType(name);
  return type === undefined ? { typeName: name } : { type };
}

function parseFieldEnd(input: StatementReader, field: FieldDescriptor, scope: string): void {
  parseFieldOptions(input, field, scope);
  input.expect(';');
}

function parseFieldOptions(input: StatementReader, field: FieldDescriptor, scope: string): void {
  input.bracketed(field, 'FieldOptions', scope, ({ path: [part, ...rest], value }) => {
    const name = part === undefined || part.isExtension || rest.length > 0 ? '' : part.name;
    // These two look like options but are properties of the field.
    if (name === 'default') field.defaultValue = formatDefault(field.type, value);
    else if (name === 'json_name' && value.kind === 'string') field.jsonName = value.bytes.toString();
    else return false;
    return true;
  });
}
