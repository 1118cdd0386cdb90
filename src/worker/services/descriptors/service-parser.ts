/** Runs in workers: reads the services of a .proto file. */
import { qualified, type MethodDescriptor, type ServiceDescriptor } from './file-descriptor.js';
import type { StatementReader } from './statement-reader.js';

export function parseService(input: StatementReader, packageName: string): ServiceDescriptor {
  input.expect('service');
  const service: ServiceDescriptor = { name: input.word(), method: [] };
  const scope = qualified(packageName, service.name);
  input.block(() => {
    if (input.peek() === 'option') input.option(service, 'ServiceOptions', scope);
    else service.method.push(parseMethod(input, scope));
  });
  return service;
}

function parseMethod(input: StatementReader, parent: string): MethodDescriptor {
  input.expect('rpc');
  const name = input.word();
  const request = parseType(input);
  input.expect('returns');
  const response = parseType(input);
  const method: MethodDescriptor = {
    name,
    inputType: request.type,
    outputType: response.type,
    ...(request.isStream ? { clientStreaming: true } : {}),
    ...(response.isStream ? { serverStreaming: true } : {}),
  };
  if (input.accept(';')) return method;
  // A block sets the options even when it is empty.
  method.options = new Uint8Array();
  const scope = qualified(parent, name);
  input.block(() => input.option(method, 'MethodOptions', scope));
  return method;
}

/** `(stream a.B)` */
function parseType(input: StatementReader): { readonly type: string; readonly isStream: boolean } {
  input.expect('(');
  const isStream = input.accept('stream');
  const type = input.reference();
  input.expect(')');
  return { type, isStream };
}
