/** Runs in workers: reads the enums of a .proto file. */
import { qualified, type EnumDescriptor, type EnumValueDescriptor } from './file-descriptor.js';
import type { StatementReader } from './statement-reader.js';

const MAX_NUMBER = 2 ** 31 - 1;

export function parseEnum(input: StatementReader, parent: string): EnumDescriptor {
  input.expect('enum');
  const descriptor: EnumDescriptor = { name: input.word(), value: [], reservedRange: [], reservedName: [] };
  const scope = qualified(parent, descriptor.name);
  input.block(() => {
    if (input.peek() === 'option') input.option(descriptor, 'EnumOptions', scope);
    else if (input.peek() === 'reserved') input.reserved(descriptor, 0, MAX_NUMBER);
    else descriptor.value.push(parseValue(input, scope));
  });
  return descriptor;
}

function parseValue(input: StatementReader, scope: string): EnumValueDescriptor {
  const name = input.word();
  input.expect('=');
  const value: EnumValueDescriptor = { name, number: input.integer() };
  input.bracketed(value, 'EnumValueOptions', scope);
  input.expect(';');
  return value;
}
