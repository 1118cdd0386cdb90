/** Runs in workers: reads the messages of a .proto file. */
import { parseEnum } from './enum-parser.js';
import { parseField, parseMap, type FieldTarget } from './field-parser.js';
import {
  emptyMessage, qualified, type FieldDescriptor, type MessageDescriptor, type OneofDescriptor, type Optioned,
  type Range,
} from './file-descriptor.js';
import type { StatementReader } from './statement-reader.js';

const MAX_FIELD = 2 ** 29 - 1;

export function parseMessage(input: StatementReader, parent: string): MessageDescriptor {
  input.expect('message');
  const message = emptyMessage(input.word());
  parseBody(input, message, qualified(parent, message.name));
  return message;
}

/** `extend a.B { ... }`, in a file or in a message. */
export function parseExtend(
  input: StatementReader, fields: FieldDescriptor[], messages: MessageDescriptor[], scope: string,
): void {
  input.expect('extend');
  const target = { fields, messages, scope, member: { extendee: input.reference() } };
  input.block(() => parseMember(input, target));
}

function parseBody(input: StatementReader, message: MessageDescriptor, scope: string): void {
  const target = { fields: message.field, messages: message.nestedType, scope };
  input.block(() => {
    const keyword = input.peek();
    if (keyword === 'message') message.nestedType.push(parseMessage(input, scope));
    else if (keyword === 'enum') message.enumType.push(parseEnum(input, scope));
    else if (keyword === 'extend') parseExtend(input, message.extension, message.nestedType, scope);
    else if (keyword === 'oneof') parseOneof(input, message, scope);
    else if (keyword === 'option') input.option(message, 'MessageOptions', scope);
    else if (keyword === 'reserved') input.reserved(message, 1, MAX_FIELD);
    else if (keyword === 'extensions') parseExtensionRanges(input, message, scope);
    else if (keyword === 'map' && input.peek(1) === '<') parseMap(input, target);
    else parseMember(input, target);
  });
  addSyntheticOneofs(message);
}

function parseMember(input: StatementReader, target: FieldTarget): void {
  const group = parseField(input, target);
  if (group !== undefined) parseBody(input, group, qualified(target.scope, group.name));
}

function parseOneof(input: StatementReader, message: MessageDescriptor, scope: string): void {
  input.expect('oneof');
  const oneof: OneofDescriptor = { name: input.word() };
  const oneofIndex = message.oneofDecl.push(oneof) - 1;
  const target = { fields: message.field, messages: message.nestedType, scope, member: { oneofIndex } };
  input.block(() => {
    if (input.peek() === 'option') input.option(oneof, 'OneofOptions', scope);
    else parseMember(input, target);
  });
}

/** `extensions 100 to 199, 500 [verification = DECLARATION];`, the options being those of each range. */
function parseExtensionRanges(input: StatementReader, message: MessageDescriptor, scope: string): void {
  input.expect('extensions');
  const ranges: (Range & Optioned)[] = [];
  do ranges.push(input.range(1, MAX_FIELD));
  while (input.accept(','));
  message.extensionRange.push(...ranges);
  const written: Optioned = {};
  const before = input.options.length;
  input.bracketed(written, 'ExtensionRangeOptions', scope);
  for (const option of input.options.splice(before)) {
    for (const target of ranges) input.options.push({ ...option, target });
  }
  input.expect(';');
}

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
