/**
 * Runs in workers: mends the descriptors that proto-loader makes from protobufjs objects, in which much is misplaced: proto3
 * `optional`, extensions, map entries, ranges, and the syntax itself. What protobufjs forgot stays forgotten:
 * custom options, `required`, and with `keepCase: false` the names of fields.
 */
import { decodeOptions, encodeOptions } from './codec.js';
import { escapeBytes } from './default-value.js';
import { LABEL, TYPE, type FieldDescriptor, type FileDescriptor, type MessageDescriptor, type Optioned } from './file-descriptor.js';
import { mapEntryName } from './names.js';
import { symbolsOf } from './symbols.js';

export function mendFile(file: FileDescriptor): void {
  // What was loaded from a descriptor set has the names of its files, and its ranges are right.
  const madeUpName = `${file.package.replaceAll('.', '_') || 'root'}.proto`;
  for (const message of file.messageType) mendMessage(message, file.name === madeUpName);
  for (const symbol of symbolsOf(file)) {
    if (symbol.kind === 'field' || symbol.kind === 'extension') mendField(symbol.descriptor);
    else if (symbol.kind === 'message') dropFeatures(symbol.descriptor, 'MessageOptions');
    else if (symbol.kind === 'enum') dropFeatures(symbol.descriptor, 'EnumOptions');
    else if (symbol.kind === 'service') dropFeatures(symbol.descriptor, 'ServiceOptions');
    else if (symbol.kind === 'method') dropFeatures(symbol.descriptor, 'MethodOptions');
  }
}

/** proto2 shows: protobufjs says "not packed" of fields that never can be, wherever that is the default. */
export function isProto2(message: MessageDescriptor): boolean {
  const isProto2Field = (field: FieldDescriptor): boolean =>
    field.defaultValue !== undefined || field.type === TYPE.group || (isMarkedUnpacked(field) && !isPackable(field));
  return message.extensionRange.length > 0 || message.field.some(isProto2Field) || message.nestedType.some(isProto2);
}

/** In proto2 nothing is packed unless it says so. */
export function dropUnpackedMarks(file: FileDescriptor): void {
  for (const symbol of symbolsOf(file)) {
    if (symbol.kind !== 'field' && symbol.kind !== 'extension') continue;
    if (isMarkedUnpacked(symbol.descriptor)) changeOptions(symbol.descriptor, 'FieldOptions', ({ packed: _, ...rest }) => rest);
  }
}

const isMarkedUnpacked = ({ options }: FieldDescriptor): boolean => decodeOptions('FieldOptions', options).packed === false;

const isPackable = ({ type, label }: FieldDescriptor): boolean =>
  label === LABEL.repeated && type !== TYPE.string && type !== TYPE.bytes && type !== TYPE.message && type !== TYPE.group;

function mendMessage(message: MessageDescriptor, isFromSource: boolean): void {
  message.extension.push(...message.field.filter(({ extendee }) => extendee !== undefined));
  // What others extend the message with is listed as its own fields, by full names.
  message.field = message.field.filter(({ extendee, name }) => extendee === undefined && !name.includes('.'));
  mendMaps(message);
  mendOneofs(message);
  if (isFromSource) {
    const numbers = new Set(message.field.map(({ number }) => number));
    for (const range of [...message.extensionRange, ...message.reservedRange]) {
      if (!numbers.has(range.end)) range.end += 1;
    }
  }
  for (const nested of message.nestedType) mendMessage(nested, isFromSource);
}

function mendMaps(message: MessageDescriptor): void {
  for (const field of message.field) {
    const entry = message.nestedType.find(({ name, options }) => name === field.typeName && isMapEntry(options));
    if (entry === undefined || field.label !== LABEL.repeated) continue;
    if (entry.name.toLowerCase() === field.name.toLowerCase()) field.typeName = entry.name = mapEntryName(field.name);
  }
  // Loading a descriptor set marks the message around an entry as well.
  const isEntry = message.field.length === 2 && message.nestedType.length === 0;
  if (isMapEntry(message.options) && !isEntry) changeOptions(message, 'MessageOptions', ({ map_entry: _, ...rest }) => rest);
}

const isMapEntry = (options: Uint8Array | undefined): boolean => decodeOptions('MessageOptions', options).map_entry === true;

/** A oneof `_name` whose only member is `name` is what protobufjs makes of an optional field; such come last. */
function mendOneofs(message: MessageDescriptor): void {
  const members = message.oneofDecl.map((oneof, index) => {
    const fields = message.field.filter(({ oneofIndex }) => oneofIndex === index);
    const [only] = fields;
    const isSynthetic = fields.length === 1 && oneof.name === `_${only?.name}`;
    if (isSynthetic && only !== undefined) only.proto3Optional = true;
    return { oneof, fields, isSynthetic };
  });
  const ordered = [...members.filter(({ isSynthetic }) => !isSynthetic), ...members.filter(({ isSynthetic }) => isSynthetic)];
  message.oneofDecl = ordered.map(({ oneof }) => oneof);
  for (const [index, { fields }] of ordered.entries()) for (const field of fields) field.oneofIndex = index;
}

function mendField(field: FieldDescriptor): void {
  dropFeatures(field, 'FieldOptions');
  const { type = 0, defaultValue } = field;
  // protobufjs lowers only the first letter.
  if (type === TYPE.group) field.name = field.name.toLowerCase();
  if (defaultValue === undefined) return;
  if (type === TYPE.bytes) field.defaultValue = escapeBytes(Buffer.from(defaultValue));
  const special: Readonly<Record<string, string>> = { Infinity: 'inf', '-Infinity': '-inf', NaN: 'nan' };
  if (type === TYPE.float || type === TYPE.double) field.defaultValue = special[defaultValue] ?? defaultValue;
  // protobufjs rounds to a float, which may be just outside.
  const limits = LIMITS_64.get(type);
  if (limits !== undefined) field.defaultValue = String(clamp(BigInt(Number(defaultValue)), limits));
}

const SIGNED = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const UNSIGNED = { min: 0n, max: 2n ** 64n - 1n };
const LIMITS_64 = new Map<number, typeof SIGNED>([
  [TYPE.int64, SIGNED], [TYPE.sint64, SIGNED], [TYPE.sfixed64, SIGNED], [TYPE.uint64, UNSIGNED], [TYPE.fixed64, UNSIGNED],
]);
const clamp = (value: bigint, { min, max }: typeof SIGNED): bigint => (value < min ? min : value > max ? max : value);

/** Features exist in editions only, which cannot be told apart here. */
function dropFeatures(target: Optioned, type: string): void {
  changeOptions(target, type, ({ features: _, ...rest }) => rest);
}

function changeOptions(target: Optioned, type: string, change: (options: Record<string, unknown>) => Record<string, unknown>): void {
  const options = encodeOptions(type, change(decodeOptions(type, target.options)));
  if (options === undefined) delete target.options;
  else target.options = options;
}
