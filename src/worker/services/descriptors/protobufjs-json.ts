/**
 * Runs in workers and in the inspector: descriptors as the JSON form of protobufjs, from which proto-loader makes
 * service definitions. proto-loader reads descriptor sets itself, but loses maps and the features of editions.
 */
import type { INamespace } from 'protobufjs';
import { decodeOptions } from './codec.js';
import { toFloat } from './default-value.js';
import {
  LABEL, qualified, TYPE, typeName,
  type EnumDescriptor, type FieldDescriptor, type FileDescriptor, type MessageDescriptor, type MethodDescriptor,
} from './file-descriptor.js';
import { unquote } from './proto-tokens.js';

type Json = Record<string, unknown>;

/** @param keepCase Whether fields keep their names or get those of JavaScript, as protobufjs would choose them. */
export function protobufjsJson(files: readonly FileDescriptor[], keepCase: boolean): INamespace {
  const rename = keepCase ? (name: string): string => name : camelCase;
  const root: Json = {};
  for (const file of files) {
    const { features } = decodeOptions('FileOptions', file.options);
    const edition = file.syntax === 'editions' ? '2023' : (file.syntax ?? 'proto2');
    // Outermost definitions carry what their file says.
    for (const [name, json] of membersOf(file, file.package, rename)) {
      const options = json.options as Json;
      if (features !== undefined) options.features = { ...features, ...(options.features ?? {}) };
      namespaceOf(root, file.package)[name] = { ...json, edition };
    }
  }
  // The interfaces of protobufjs leave out what its own JSON holds, such as `edition`.
  return { nested: root as INamespace['nested'] & object };
}

/** What protobufjs makes of the name of a field without `keepCase`. */
const camelCase = (name: string): string =>
  name.charAt(0) + name.slice(1).replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Members of a package, which is made where it is new. */
function namespaceOf(root: Json, packageName: string): Json {
  let members = root;
  for (const part of packageName.split('.').filter((name) => name !== '')) {
    const namespace = (members[part] ?? (members[part] = { nested: {} })) as { nested: Json };
    members = namespace.nested;
  }
  return members;
}

type Rename = (field: string) => string;

function* membersOf(file: FileDescriptor, scope: string, rename: Rename): Generator<[string, Json], void> {
  for (const each of file.messageType) yield [each.name, messageJson(each, qualified(scope, each.name), rename)];
  for (const descriptor of file.enumType) yield [descriptor.name, enumJson(descriptor)];
  for (const field of file.extension) yield [field.name, fieldJson(field)];
  for (const { name, method, options } of file.service) {
    const methods = Object.fromEntries(method.map((each) => [each.name, methodJson(each)]));
    yield [name, { methods, options: decodeOptions('ServiceOptions', options) }];
  }
}

function messageJson(message: MessageDescriptor, scope: string, rename: Rename): Json {
  const isEntry = (nested: MessageDescriptor): boolean =>
    decodeOptions('MessageOptions', nested.options).map_entry === true;
  const entries = new Map(message.nestedType.filter(isEntry).map((entry) => [`.${scope}.${entry.name}`, entry]));
  const groups = new Set(message.field.filter(({ type }) => type === TYPE.group).map((field) => field.typeName));
  const nested: Json = {};
  for (const each of message.nestedType) {
    const name = qualified(scope, each.name);
    if (entries.has(`.${name}`)) continue;
    nested[each.name] = { ...messageJson(each, name, rename), group: groups.has(`.${name}`) };
  }
  for (const each of message.enumType) nested[each.name] = enumJson(each);
  for (const each of message.extension) nested[each.name] = fieldJson(each);
  const fields: Json = {};
  for (const field of message.field) fields[rename(field.name)] = fieldJson(field, entries.get(field.typeName ?? ''));
  const oneofs: Json = {};
  for (const [index, { name }] of message.oneofDecl.entries()) {
    const members = message.field.filter(({ oneofIndex }) => oneofIndex === index);
    oneofs[rename(name)] = { oneof: members.map((field) => rename(field.name)) };
  }
  return { fields, oneofs, nested, options: decodeOptions('MessageOptions', message.options) };
}

function fieldJson(field: FieldDescriptor, mapEntry?: MessageDescriptor): Json {
  const { number, label, proto3Optional, extendee } = field;
  const options = decodeOptions('FieldOptions', field.options);
  if (proto3Optional === true) options.proto3_optional = true;
  if (field.defaultValue !== undefined) options.default = defaultOf(field, field.defaultValue);
  const [key, value] = mapEntry?.field ?? [];
  if (key !== undefined && value !== undefined) {
    return { id: number, keyType: typeOf(key), type: typeOf(value), options };
  }
  const rule = label === LABEL.repeated ? 'repeated' : label === LABEL.required ? 'required' : undefined;
  return { id: number, type: typeOf(field), rule, extend: extendee, options };
}

const typeOf = (field: FieldDescriptor): string => field.typeName ?? typeName(field.type ?? 0);

function defaultOf({ type }: FieldDescriptor, text: string): unknown {
  if (type === TYPE.enum || type === TYPE.string) return text;
  if (type === TYPE.bool) return text === 'true';
  if (type === TYPE.bytes) return unquote(`"${text}"`).toString('base64');
  return text === 'nan' ? NaN : toFloat(text);
}

/** Of several names for one number protobufjs prints the last; it should be the first. */
function enumJson({ value, options }: EnumDescriptor): Json {
  const names = new Map<number, string[]>();
  for (const { name, number } of value) names.set(number, [name, ...(names.get(number) ?? [])]);
  const values = Object.fromEntries([...names].flatMap(([number, aliases]) => aliases.map((name) => [name, number])));
  return { values, options: decodeOptions('EnumOptions', options) };
}

function methodJson({ inputType, outputType, clientStreaming, serverStreaming, options }: MethodDescriptor): Json {
  const decoded = decodeOptions('MethodOptions', options);
  return {
    requestType: inputType,
    responseType: outputType,
    requestStream: clientStreaming === true,
    responseStream: serverStreaming === true,
    options: decoded,
    parsedOptions: Object.entries(decoded).map(([name, option]) => ({ [name]: option })),
  };
}
