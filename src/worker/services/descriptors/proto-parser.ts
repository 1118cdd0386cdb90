/**
 * Reads a .proto file into a FileDescriptorProto, for reflection. The server itself runs on protobufjs, whose parser
 * forgets what a descriptor must tell: which file a type is from, what is imported publicly, the exact values of
 * options, 64-bit defaults, escapes, ranges.
 */
import { formatDefault } from './default-value.js';
import {
  emptyFile, emptyMessage, LABEL, qualified, scalarType, TYPE,
  type EnumDescriptor, type EnumValueDescriptor, type FieldDescriptor, type FileDescriptor, type MessageDescriptor,
  type MethodDescriptor, type OneofDescriptor, type Optioned, type Range, type ServiceDescriptor,
} from './file-descriptor.js';
import { mapEntryName } from './names.js';
import type { OptionStatement } from './option-statement.js';
import { TokenReader } from './token-reader.js';

export interface ParsedProto {
  /** Names of types are as written; `linkFile` looks them up. */
  readonly file: FileDescriptor;
  readonly options: readonly OptionStatement[];
}

/** @throws Error with file and line when the source is not valid. */
export function parseProto(name: string, source: string): ParsedProto {
  return new ProtoParser(name, source).parse();
}

/** Where the fields of a message, a oneof or an `extend` block go. */
interface FieldTarget {
  readonly fields: FieldDescriptor[];
  /** Groups and map entries become messages here. */
  readonly messages: MessageDescriptor[];
  readonly scope: string;
  readonly member?: { readonly oneofIndex: number } | { readonly extendee: string };
}

const MAX_FIELD = 2 ** 29 - 1;
const MAX_ENUM = 2 ** 31 - 1;
const EDITIONS: Readonly<Record<string, number>> = { 2023: 1000 };

class ProtoParser {
  readonly #in: TokenReader;
  readonly #file: FileDescriptor;
  readonly #options: OptionStatement[] = [];

  constructor(name: string, source: string) {
    this.#in = new TokenReader(name, source);
    this.#file = emptyFile(name);
  }

  parse(): ParsedProto {
    while (!this.#in.isAtEnd) this.#topLevel();
    return { file: this.#file, options: this.#options };
  }

  #topLevel(): void {
    const file = this.#file;
    const keyword = this.#in.peek();
    if (this.#in.accept(';')) return;
    if (keyword === 'message') file.messageType.push(this.#message(file.package));
    else if (keyword === 'enum') file.enumType.push(this.#enum(file.package));
    else if (keyword === 'service') file.service.push(this.#service());
    else if (keyword === 'extend') this.#extend(file.extension, file.messageType, file.package);
    else if (keyword === 'option') this.#option(file, 'FileOptions', file.package);
    else this.#headStatement();
  }

  #headStatement(): void {
    const file = this.#file;
    if (this.#in.accept('package')) file.package = this.#in.reference();
    else if (this.#in.accept('import')) this.#import();
    else if (this.#in.accept('syntax')) {
      this.#in.expect('=');
      const syntax = this.#in.string().toString();
      if (syntax !== 'proto2') file.syntax = syntax;
    } else if (this.#in.accept('edition')) {
      this.#in.expect('=');
      const edition = this.#in.string().toString();
      file.syntax = 'editions';
      file.edition = EDITIONS[edition] ?? this.#in.fail('an edition that is known here');
    } else this.#in.fail('a definition');
    this.#in.expect(';');
  }

  #import(): void {
    const { dependency, publicDependency, weakDependency } = this.#file;
    if (this.#in.accept('public')) publicDependency.push(dependency.length);
    else if (this.#in.accept('weak')) weakDependency.push(dependency.length);
    dependency.push(this.#in.string().toString());
  }

  #message(parent: string): MessageDescriptor {
    this.#in.expect('message');
    const message = emptyMessage(this.#in.word());
    this.#messageBody(message, qualified(parent, message.name));
    return message;
  }

  #messageBody(message: MessageDescriptor, scope: string): void {
    const target = { fields: message.field, messages: message.nestedType, scope };
    this.#block(() => {
      const keyword = this.#in.peek();
      if (keyword === 'message') message.nestedType.push(this.#message(scope));
      else if (keyword === 'enum') message.enumType.push(this.#enum(scope));
      else if (keyword === 'extend') this.#extend(message.extension, message.nestedType, scope);
      else if (keyword === 'oneof') this.#oneof(message, scope);
      else if (keyword === 'option') this.#option(message, 'MessageOptions', scope);
      else if (keyword === 'reserved') this.#reserved(message, 1, MAX_FIELD);
      else if (keyword === 'extensions') this.#extensions(message, scope);
      else if (keyword === 'map' && this.#in.peek(1) === '<') this.#map(target);
      else this.#field(target);
    });
    addSyntheticOneofs(message);
  }

  #oneof(message: MessageDescriptor, scope: string): void {
    this.#in.expect('oneof');
    const oneof: OneofDescriptor = { name: this.#in.word() };
    const oneofIndex = message.oneofDecl.push(oneof) - 1;
    const target = { fields: message.field, messages: message.nestedType, scope, member: { oneofIndex } };
    this.#block(() => {
      if (this.#in.peek() === 'option') this.#option(oneof, 'OneofOptions', scope);
      else this.#field(target);
    });
  }

  #extend(fields: FieldDescriptor[], messages: MessageDescriptor[], scope: string): void {
    this.#in.expect('extend');
    const target = { fields, messages, scope, member: { extendee: this.#in.reference() } };
    this.#block(() => this.#field(target));
  }

  #field({ fields, messages, scope, member }: FieldTarget): void {
    const label = (['optional', 'required', 'repeated'] as const).find((word) => this.#in.accept(word));
    const type = this.#in.reference();
    const name = this.#in.word();
    this.#in.expect('=');
    const field: FieldDescriptor = { name, number: this.#in.integer(), label: LABEL[label ?? 'optional'], ...member };
    if (label === 'optional' && this.#file.syntax === 'proto3') field.proto3Optional = true;
    fields.push(field);
    if (type === 'group') {
      Object.assign(field, { name: name.toLowerCase(), type: TYPE.group, typeName: name });
      this.#fieldOptions(field, scope);
      const group = emptyMessage(name);
      messages.push(group);
      this.#messageBody(group, qualified(scope, name));
      return;
    }
    this.#setType(field, type);
    this.#fieldOptions(field, scope);
    this.#in.expect(';');
  }

  #map({ fields, messages, scope }: FieldTarget): void {
    this.#in.expect('map');
    this.#in.expect('<');
    const key: FieldDescriptor = { name: 'key', number: 1, label: LABEL.optional };
    this.#setType(key, this.#in.reference());
    this.#in.expect(',');
    const value: FieldDescriptor = { name: 'value', number: 2, label: LABEL.optional };
    this.#setType(value, this.#in.reference());
    this.#in.expect('>');
    const name = this.#in.word();
    const entry = { ...emptyMessage(mapEntryName(name)), field: [key, value], options: MAP_ENTRY };
    this.#in.expect('=');
    const field = {
      name, number: this.#in.integer(), label: LABEL.repeated, type: TYPE.message, typeName: entry.name,
    };
    messages.push(entry);
    fields.push(field);
    this.#fieldOptions(field, scope);
    this.#in.expect(';');
  }

  #setType(field: FieldDescriptor, name: string): void {
    const scalar = scalarType(name);
    if (scalar === undefined) field.typeName = name;
    else field.type = scalar;
  }

  #fieldOptions(field: FieldDescriptor, scope: string): void {
    this.#bracketed(({ path, value }) => {
      const name = path[0]?.isExtension === false && path.length === 1 ? path[0].name : '';
      if (name === 'default') field.defaultValue = formatDefault(field.type, value);
      else if (name === 'json_name' && value.kind === 'string') field.jsonName = value.bytes.toString();
      else this.#options.push({ target: field, type: 'google.protobuf.FieldOptions', scope, path, value });
    });
  }

  #enum(parent: string): EnumDescriptor {
    this.#in.expect('enum');
    const descriptor: EnumDescriptor = { name: this.#in.word(), value: [], reservedRange: [], reservedName: [] };
    const scope = qualified(parent, descriptor.name);
    this.#block(() => {
      if (this.#in.peek() === 'option') this.#option(descriptor, 'EnumOptions', scope);
      else if (this.#in.peek() === 'reserved') this.#reserved(descriptor, 0, MAX_ENUM);
      else descriptor.value.push(this.#enumValue(scope));
    });
    return descriptor;
  }

  #enumValue(scope: string): EnumValueDescriptor {
    const name = this.#in.word();
    this.#in.expect('=');
    const target: EnumValueDescriptor = { name, number: this.#in.integer() };
    const type = 'google.protobuf.EnumValueOptions';
    this.#bracketed((option) => this.#options.push({ target, type, scope, ...option }));
    this.#in.expect(';');
    return target;
  }

  /** `reserved 1, 3 to 5, "old", older;` */
  #reserved(target: { reservedRange: Range[]; reservedName: string[] }, exclusive: 0 | 1, max: number): void {
    this.#in.expect('reserved');
    do {
      if (this.#in.isString()) target.reservedName.push(this.#in.string().toString());
      else if (/^[A-Za-z_]/.test(this.#in.peek())) target.reservedName.push(this.#in.word());
      else target.reservedRange.push(this.#range(exclusive, max));
    } while (this.#in.accept(','));
    this.#in.expect(';');
  }

  #extensions(message: MessageDescriptor, scope: string): void {
    this.#in.expect('extensions');
    const ranges: (Range & Optioned)[] = [];
    do ranges.push(this.#range(1, MAX_FIELD));
    while (this.#in.accept(','));
    message.extensionRange.push(...ranges);
    const type = 'google.protobuf.ExtensionRangeOptions';
    this.#bracketed((option) => {
      for (const target of ranges) this.#options.push({ target, type, scope, ...option });
    });
    this.#in.expect(';');
  }

  #range(exclusive: 0 | 1, max: number): Range {
    const start = this.#in.integer();
    const end = !this.#in.accept('to') ? start : this.#in.accept('max') ? max : this.#in.integer();
    return { start, end: end + exclusive };
  }

  #service(): ServiceDescriptor {
    this.#in.expect('service');
    const service: ServiceDescriptor = { name: this.#in.word(), method: [] };
    const scope = qualified(this.#file.package, service.name);
    this.#block(() => {
      if (this.#in.peek() === 'option') this.#option(service, 'ServiceOptions', scope);
      else service.method.push(this.#method(scope));
    });
    return service;
  }

  #method(parent: string): MethodDescriptor {
    this.#in.expect('rpc');
    const method: MethodDescriptor = { name: this.#in.word(), inputType: '', outputType: '' };
    this.#in.expect('(');
    if (this.#in.accept('stream')) method.clientStreaming = true;
    method.inputType = this.#in.reference();
    this.#in.expect(')');
    this.#in.expect('returns');
    this.#in.expect('(');
    if (this.#in.accept('stream')) method.serverStreaming = true;
    method.outputType = this.#in.reference();
    this.#in.expect(')');
    if (this.#in.accept(';')) return method;
    const scope = qualified(parent, method.name);
    // A block sets the options even when it is empty.
    method.options = new Uint8Array();
    this.#block(() => this.#option(method, 'MethodOptions', scope));
    return method;
  }

  #option(target: Optioned, type: string, scope: string): void {
    this.#in.expect('option');
    const path = this.#in.optionPath();
    this.#in.expect('=');
    this.#options.push({ target, type: `google.protobuf.${type}`, scope, path, value: this.#in.optionValue() });
    this.#in.expect(';');
  }

  /** `[a = 1, (b).c = "x"]`, if there. */
  #bracketed(found: (option: Pick<OptionStatement, 'path' | 'value'>) => void): void {
    if (!this.#in.accept('[')) return;
    do {
      const path = this.#in.optionPath();
      this.#in.expect('=');
      found({ path, value: this.#in.optionValue() });
    } while (this.#in.accept(','));
    this.#in.expect(']');
  }

  #block(statement: () => void): void {
    this.#in.expect('{');
    while (!this.#in.accept('}')) if (!this.#in.accept(';')) statement();
    this.#in.accept(';');
  }
}

/** MessageOptions { map_entry: true }. */
const MAP_ENTRY = Uint8Array.of(7 << 3, 1);

/** A proto3 `optional` field is the only member of a oneof that exists in descriptors alone, behind all others. */
function addSyntheticOneofs(message: MessageDescriptor): void {
  const taken = new Set([...message.field, ...message.oneofDecl].map(({ name }) => name));
  for (const field of message.field) {
    if (field.proto3Optional !== true) continue;
    let name = field.name.startsWith('_') ? field.name : `_${field.name}`;
    while (taken.has(name)) name = `X${name}`;
    taken.add(name);
    field.oneofIndex = message.oneofDecl.push({ name }) - 1;
  }
}
