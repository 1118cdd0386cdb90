/** Runs in workers: tells proto2 from proto3 in descriptors that all claim to be proto3. */
import type { FileDescriptor } from './file-descriptor.js';
import { isProto2 } from './mend.js';

export type Syntax = 'proto2' | 'proto3';

interface Definition {
  readonly name: string;
  readonly content: FileDescriptor;
}

/**
 * Messages with fields show their syntax, and enums that do not begin with 0. The others, and services, have that of
 * their package, which is proto3 if it has both.
 */
export function decideSyntax(definitions: readonly Definition[]): (definition: Definition) => Syntax {
  const packages = new Map<string, Syntax>();
  for (const { content } of definitions) {
    const syntax = shownBy(content);
    if (syntax !== undefined && packages.get(content.package) !== 'proto3') packages.set(content.package, syntax);
  }
  return ({ content }) => shownBy(content) ?? packages.get(content.package) ?? 'proto3';
}

function shownBy({ messageType: [message], enumType: [firstEnum] }: FileDescriptor): Syntax | undefined {
  if (message !== undefined) {
    if (isProto2(message)) return 'proto2';
    return message.field.length > 0 ? 'proto3' : undefined;
  }
  return firstEnum !== undefined && firstEnum.value[0]?.number !== 0 ? 'proto2' : undefined;
}
