/**
 * Runs in workers: mends the descriptors that proto-loader makes from protobufjs objects, in which much is misplaced:
 * proto3 `optional`, extensions, map entries, ranges, and the syntax itself. What protobufjs forgot stays forgotten:
 * custom options, `required`, editions, and with `keepCase: false` the names of fields.
 */
import { decodeOptions, encodeOptions } from './codec.js';
import { escapeBytes } from './default-value.js';
import {
  LABEL, TYPE, type FieldDescriptor, type FileDescriptor, type MessageDescriptor, type Optioned,
} from './file-descriptor.js';
import { mapEntryName } from './names.js';
import { symbolsOf, type FileSymbol } from './symbols.js';

export function mendFile(file: FileDescriptor): void {
  // What was loaded from a descriptor set has the names of its files, and its ranges are right.
  const madeUpName = `${file.package.replaceAll('.', '_') || 'root'}.proto`;
  for (const message of file.messageType) mendMessage(message, file.name === madeUpName);
  for (const symbol of symbolsOf(file)) {
    // Features are for editions, of which nothing is left but them.
    dropOption(symbol.descriptor, OPTIONS[symbol.kind], 'features');
    if (symbol.kind === 'field' || symbol.kind === 'extension') mendField(symbol.descriptor);
  }
}

/** proto2 shows: protobufjs says "not packed" of fields that never can be, wherever that is the default. */
export function isProto2(message: MessageDescriptor): boolean {
  const isProto2Field = (field: FieldDescriptor): boolean =>
    field.defaultValue !== undefined || field.type === TYPE.group || (isUnpacked(field) && !isPackable(field));
  return message.extensionRange.length > 0 || message.field.some(isProto2Field) || message.nestedType.some(isProto2);
}

/** In proto2 nothing is packed unless it says so. */
export function dropUnpackedMarks(file: FileDescriptor): void {
  for (const { kind, descriptor } of symbolsOf(file)) {
    if (kind !== 'field' && kind !== 'extension') continue;
    if (isUnpacked(descriptor)) dropOption(descriptor, 'FieldOptions', 'packed');
  }
}

const isUnpacked = ({ options }: Optioned): boolean => decodeOptions('FieldOptions', options).packed === false;

const UNPACKABLE: readonly (number | undefined)[] = [TYPE.string, TYPE.bytes, TYPE.message, TYPE.group];
const isPackable = ({ type, label }: FieldDescriptor): boolean => label === LABEL.repeated && !UNPACKABLE.includes(type);

function mendMessage(message: MessageDescriptor, isFromSource: boolean): void {
  message.extension.push(...message.field.filter(({ extendee }) => extendee !== undefined));
  // What others extend the message with is listed as its own fields, by full names.
  message.field = message.field.filter(({ extendee, name }) => extendee === undefined && !name.includes('.'));
  mendMaps(message);
  mendOneofs(message);
  if (isFromSource) mendRanges(message);
  for (const nested of message.nestedType) mendMessage(nested, isFromSource);
}

function mendMaps(message: MessageDescriptor): void {
  for (const field of message.field) {
    const entry = message.nestedType.find((nested) => nested.name === field.typeName && isMapEntry(nested));
    if (entry === undefined || field.label !== LABEL.repeated) continue;
    if (entry.name.toLowerCase() === field.name.toLowerCase()) field.typeName = entry.name = mapEntryName(field.name);
  }
  // Loading a descriptor set marks the message around an entry as well.
  const canBeEntry = message.field.length === 2 && message.nestedType.length === 0;
  if (isMapEntry(message) && !canBeEntry) dropOption(message, 'MessageOptions', 'map_entry');
}

const isMapEntry = ({ options }: Optioned): boolean => decodeOptions('MessageOptions', options).map_entry === true;

/** A oneof `_name` whose only member is `name` is what protobufjs makes of an optional field; such come last. */
function mendOneofs(message: MessageDescriptor): void {
  const oneofs = message.oneofDecl.map((oneof, index) => {
    const members = message.field.filter(({ oneofIndex }) => oneofIndex === index);
    return { oneof, members, isSynthetic: members.length === 1 && oneof.name === `_${members[0]?.name}` };
  });
  oneofs.sort((a, b) => Number(a.isSynthetic) - Number(b.isSynthetic));
  message.oneofDecl = oneofs.map(({ oneof }) => oneof);
  for (const [index, { members, isSynthetic }] of oneofs.entries()) {
    for (const field of members) Object.assign(field, { oneofIndex: index }, isSynthetic ? { proto3Optional: true } : {});
  }
}

/** Ends are inclusive in protobufjs. */
function mendRanges({ field, extensionRange, reservedRange }: MessageDescriptor): void {
  const numbers = new Set(field.map(({ number }) => number));
  for (const range of [...extensionRange, ...reservedRange]) if (!numbers.has(range.end)) range.end += 1;
}

function mendField(field: FieldDescriptor): void {
  const { type = 0, defaultValue } = field;
  // protobufjs lowers only the first letter.
  if (type === TYPE.group) field.name = field.name.toLowerCase();
  if (defaultValue !== undefined) field.defaultValue = mendDefault(type, defaultValue);
}

const NOT_FINITE: Readonly<Record<string, string>> = { Infinity: 'inf', '-Infinity': '-inf', NaN: 'nan' };
const SIGNED_64: readonly number[] = [TYPE.int64, TYPE.sint64, TYPE.sfixed64];
const UNSIGNED_64: readonly number[] = [TYPE.uint64, TYPE.fixed64];

function mendDefault(type: number, value: string): string {
  if (type === TYPE.bytes) return escapeBytes(Buffer.from(value));
  if (type === TYPE.float || type === TYPE.double) return NOT_FINITE[value] ?? value;
  // protobufjs rounds to a float, which may be just outside.
  if (SIGNED_64.includes(type)) return clamp(value, -(2n ** 63n), 2n ** 63n - 1n);
  if (UNSIGNED_64.includes(type)) return clamp(value, 0n, 2n ** 64n - 1n);
  return value;
}

function clamp(value: string, min: bigint, max: bigint): string {
  const integer = BigInt(Number(value));
  return String(integer < min ? min : integer > max ? max : integer);
}

const OPTIONS = {
  message: 'MessageOptions', field: 'FieldOptions', extension: 'FieldOptions', oneof: 'OneofOptions',
  enum: 'EnumOptions', value: 'EnumValueOptions', service: 'ServiceOptions', method: 'MethodOptions',
} as const satisfies Record<FileSymbol['kind'], string>;

function dropOption(target: Optioned, type: string, name: string): void {
  const { [name]: _, ...rest } = decodeOptions(type, target.options);
  const options = encodeOptions(type, rest);
  if (options === undefined) delete target.options;
  else target.options = options;
}
