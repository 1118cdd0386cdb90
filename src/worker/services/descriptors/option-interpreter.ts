/** Runs in workers: turns options as written into their encoded form, custom options included. */
import { createRequire } from 'node:module';
import type protobuf from 'protobufjs';
import { toFloat } from './default-value.js';
import {
  LABEL, TYPE, typeName, type FieldDescriptor, type MessageDescriptor, type Optioned,
} from './file-descriptor.js';
import type { NamePart, OptionStatement, OptionValue } from './option-statement.js';
import { resolve, type Lookup } from './symbols.js';
import { toBigInt } from './token-reader.js';

const require = createRequire(import.meta.url);

/** Where to look names up. */
export interface OptionNames {
  /** Extensions that the file can see. */
  readonly visible: Lookup;
  /** Any message or enum, by its full name. */
  readonly anywhere: Lookup;
}

/**
 * Gives every descriptor of a file its options. A statement that means nothing, such as a misspelt option, is left
 * out: protobufjs, which serves the file, does not mind it either.
 */
export function interpretOptions(statements: readonly OptionStatement[], names: OptionNames): void {
  const messages = new Map<Optioned, OptionMessage>();
  for (const { target, type, scope, path, value } of statements) {
    const message = messages.get(target) ?? new OptionMessage(messageType(type, names), scope, names);
    if (message.set(path, value)) messages.set(target, message);
  }
  const { Writer } = require('protobufjs') as typeof protobuf;
  for (const [target, message] of messages) target.options = message.write(Writer.create()).finish();
}

function messageType(name: string, { anywhere }: OptionNames): MessageDescriptor {
  const symbol = anywhere(name.replace(/^\./, ''));
  if (symbol?.kind !== 'message') throw new Error(`${name} is not known`);
  return symbol.descriptor;
}

/** Halves of a 64-bit integer, as the writer of protobufjs takes them. */
interface Bits64 {
  readonly low: number;
  readonly high: number;
}

type Scalar = number | boolean | Buffer | Bits64;
type Value = Scalar | OptionMessage;

/** A message while it is put together: every field with its values. */
class OptionMessage {
  readonly #type: MessageDescriptor;
  readonly #scope: string;
  readonly #names: OptionNames;
  readonly #values = new Map<FieldDescriptor, Value[]>();

  constructor(type: MessageDescriptor, scope: string, names: OptionNames) {
    this.#type = type;
    this.#scope = scope;
    this.#names = names;
  }

  /** Sets the field at the end of the path; false when there is none, or the value does not fit it. */
  set([part, ...rest]: readonly NamePart[], value: OptionValue): boolean {
    const field = part === undefined ? undefined : this.#field(part);
    if (field === undefined) return false;
    const present = this.#values.get(field) ?? [];
    if (rest.length > 0) {
      if (field.type !== TYPE.message && field.type !== TYPE.group) return false;
      const child = present.at(-1) ?? this.#child(field);
      if (!(child instanceof OptionMessage) || !child.set(rest, value)) return false;
      this.#values.set(field, [...present.slice(0, -1), child]);
      return true;
    }
    const read = this.#read(field, value);
    if (read === undefined) return false;
    this.#values.set(field, field.label === LABEL.repeated ? [...present, read] : [read]);
    return true;
  }

  #field({ name, isExtension }: NamePart): FieldDescriptor | undefined {
    if (isExtension) {
      const symbol = resolve(name, this.#scope, this.#names.visible, ({ kind }) => kind === 'extension');
      return symbol?.kind === 'extension' ? symbol.descriptor : undefined;
    }
    // The text format names a group by its message, but not always.
    return this.#type.field.find(
      (field) => field.name === name || (field.type === TYPE.group && field.typeName?.endsWith(`.${name}`) === true),
    );
  }

  #child(field: FieldDescriptor): OptionMessage {
    return new OptionMessage(messageType(field.typeName ?? '', this.#names), this.#scope, this.#names);
  }

  #read(field: FieldDescriptor, value: OptionValue): Value | undefined {
    if (value.kind === 'message') {
      if (field.type !== TYPE.message && field.type !== TYPE.group) return undefined;
      const child = this.#child(field);
      return value.fields.every((entry) => entry.values.every((each) => child.set([entry], each))) ? child : undefined;
    }
    if (field.type === TYPE.enum) return this.#enumNumber(field, value);
    return readScalar(field.type, value);
  }

  #enumNumber(field: FieldDescriptor, value: OptionValue): number | undefined {
    const symbol = this.#names.anywhere((field.typeName ?? '').slice(1));
    if (symbol?.kind !== 'enum' || value.kind === 'message') return undefined;
    // A quoted name is not of the language, but protobufjs accepts it, and writes it.
    const name = value.kind === 'string' ? value.bytes.toString() : value.text;
    return value.kind === 'number' ? Number(name) : symbol.descriptor.value.find((each) => each.name === name)?.number;
  }

  write(writer: protobuf.Writer): protobuf.Writer {
    const fields = [...this.#values].sort(([a], [b]) => a.number - b.number);
    for (const [field, values] of fields) for (const value of values) writeField(writer, field, value);
    return writer;
  }
}

function readScalar(type: number | undefined, value: OptionValue): Scalar | undefined {
  if (value.kind === 'message') return undefined;
  if (type === TYPE.string || type === TYPE.bytes) return value.kind === 'string' ? value.bytes : undefined;
  if (value.kind === 'string') return undefined;
  if (type === TYPE.bool) return /^(?:true|True|t|1)$/.test(value.text);
  if (type === TYPE.float || type === TYPE.double) return toFloat(value.text);
  if (!/^-?(?:0[xX][\da-fA-F]+|\d+)$/.test(value.text)) return undefined;
  const integer = toBigInt(value.text);
  if (!typeName(type ?? 0).endsWith('64')) return Number(integer);
  return { low: Number(BigInt.asUintN(32, integer)), high: Number(BigInt.asUintN(32, integer >> 32n)) };
}

const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_GROUP = 3;
const WIRE_GROUP_END = 4;
const WIRE_FIXED32 = 5;

function writeField(writer: protobuf.Writer, { number, type = 0 }: FieldDescriptor, value: Value): void {
  const tag = (wireType: number): protobuf.Writer => writer.uint32(((number << 3) | wireType) >>> 0);
  if (value instanceof OptionMessage) {
    if (type === TYPE.group) {
      value.write(tag(WIRE_GROUP));
      tag(WIRE_GROUP_END);
    } else value.write(tag(WIRE_BYTES).fork()).ldelim();
  } else if (value instanceof Uint8Array) tag(WIRE_BYTES).bytes(value);
  else {
    const name = type === TYPE.enum ? 'int32' : typeName(type);
    const wireType = /fixed64|double/.test(name) ? WIRE_FIXED64 : /fixed32|float/.test(name) ? WIRE_FIXED32 : 0;
    // The methods of the writer have the names of the scalar types.
    const write = tag(wireType)[name as 'int32'].bind(writer);
    write(value as number);
  }
}
