/**
 * Runs in workers: reads a .proto file into a FileDescriptorProto, for reflection. The server itself runs on
 * protobufjs, whose parser forgets what a descriptor must tell: which file a type is from, what is imported publicly,
 * the exact values of options, 64-bit defaults, escapes, ranges.
 */
import { parseEnum } from './enum-parser.js';
import { emptyFile, type FileDescriptor } from './file-descriptor.js';
import { parseExtend, parseMessage } from './message-parser.js';
import type { OptionStatement } from './option-statement.js';
import { parseService } from './service-parser.js';
import { StatementReader } from './statement-reader.js';

export interface ParsedProto {
  /** Names of types are as written; `linkFile` looks them up. */
  readonly file: FileDescriptor;
  readonly options: readonly OptionStatement[];
}

/** Edition.EDITION_2023; protobufjs knows no later one. */
const EDITIONS: Readonly<Record<string, number>> = { 2023: 1000 };

/** @throws Error with file and line when the source is not valid. */
export function parseProto(name: string, source: string): ParsedProto {
  const input = new StatementReader(name, source);
  const file = emptyFile(name);
  while (!input.isAtEnd) if (!input.accept(';')) parseTopLevel(input, file);
  return { file, options: input.options };
}

function parseTopLevel(input: StatementReader, file: FileDescriptor): void {
  const keyword = input.peek();
  if (keyword === 'message') file.messageType.push(parseMessage(input, file.package));
  else if (keyword === 'enum') file.enumType.push(parseEnum(input, file.package));
  else if (keyword === 'service') file.service.push(parseService(input, file.package));
  else if (keyword === 'extend') parseExtend(input, file.extension, file.messageType, file.package);
  else if (keyword === 'option') input.option(file, 'FileOptions', file.package);
  else parseHead(input, file);
}

function parseHead(input: StatementReader, file: FileDescriptor): void {
  if (input.accept('package')) file.package = input.reference();
  else if (input.accept('import')) parseImport(input, file);
  else if (input.accept('syntax')) {
    input.expect('=');
    const syntax = input.string().toString();
    if (syntax !== 'proto2') input.syntax = file.syntax = syntax;
  } else if (input.accept('edition')) {
    input.expect('=');
    file.edition = EDITIONS[input.string().toString()] ?? input.fail('edition "2023"');
    input.syntax = file.syntax = 'editions';
  } else input.fail('a definition');
  input.expect(';');
}

function parseImport(input: StatementReader, { dependency, publicDependency, weakDependency }: FileDescriptor): void {
  if (input.accept('public')) publicDependency.push(dependency.length);
  else if (input.accept('weak')) weakDependency.push(dependency.length);
  dependency.push(input.string().toString());
}
