/** Runs in workers: answers reflection requests from the descriptors of everything that is served. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import type { DescriptorRegistry } from './descriptor-registry.js';
import { compileProtos } from './descriptors/compiler.js';
import type { FileDescriptor } from './descriptors/file-descriptor.js';
import { FilePool, type PoolFile } from './descriptors/file-pool.js';
import { filesFromDefinitions } from './descriptors/from-definitions.js';
import { wellKnownFiles } from './descriptors/well-known.js';
import { reflectionSource, VERSIONS, type ReflectionAnswer, type ReflectionRequest } from './reflection-messages.js';

const NOT_FOUND = 5;
const INVALID_ARGUMENT = 3;

/** Takes all descriptors together. Slow enough (some 10 ms and more) to be done once, at the first question. */
export function buildPool(
  definitions: Iterable<ServiceDefinition>, registry: DescriptorRegistry, onProblem: (problem: string) => void,
): FilePool {
  const pool = new FilePool();
  const addFiles = (files: Iterable<FileDescriptor>): void => pool.add(Array.from(files, (file) => ({ file })));
  registry.fill(pool, onProblem);
  addFiles(wellKnownFiles().values());
  addFiles(compileProtos(VERSIONS.map(reflectionSource), wellKnownFiles()));
  const others = [...definitions].filter((definition) => pool.fileOf(serviceName(definition)) === undefined);
  try {
    addFiles(filesFromDefinitions(new Set(others.flatMap(encodedFiles)), pool));
  } catch (error) {
    onProblem(error instanceof Error ? error.message : String(error));
  }
  return pool;
}

/** `pkg.Service`, which all paths of a definition begin with. */
export function serviceName(definition: ServiceDefinition): string {
  return Object.values(definition)[0]?.path.split('/')[1] ?? '';
}

/** What proto-loader puts beside the types of a method, for this very purpose; other generators do not. */
function encodedFiles(definition: ServiceDefinition): Uint8Array[] {
  return Object.values(definition).flatMap((method) => {
    const { requestType } = method as { requestType?: { fileDescriptorProtos?: unknown } };
    const files = requestType?.fileDescriptorProtos;
    return Array.isArray(files) ? files.filter((file) => file instanceof Uint8Array) : [];
  });
}

/**
 * @param services Names of all services.
 * @param sent Names of the files that the client has got on this stream; it gets no dependency twice.
 */
export function answer(
  request: ReflectionRequest, pool: FilePool, services: readonly string[], sent: Set<string>,
): ReflectionAnswer {
  const files = (file: PoolFile | undefined, what: string, hint = ''): ReflectionAnswer =>
    file === undefined
      ? error(NOT_FOUND, `${what} is not known${hint}`)
      : { fileDescriptorResponse: { fileDescriptorProto: withDependencies(file, pool, sent) } };
  if (request.fileByFilename !== undefined) {
    return files(pool.file(request.fileByFilename), `File ${request.fileByFilename}`);
  }
  if (request.fileContainingSymbol !== undefined) {
    const symbol = request.fileContainingSymbol;
    const service = services.find((name) => symbol === name || symbol.startsWith(`${name}.`));
    const hint = `: service ${service} was registered without descriptors; context.loadProto() keeps them`;
    return files(pool.fileOf(symbol), `Symbol ${symbol}`, service === undefined ? '' : hint);
  }
  if (request.fileContainingExtension !== undefined) {
    const { containingType = '', extensionNumber = 0 } = request.fileContainingExtension;
    const file = pool.fileOfExtension(containingType, extensionNumber);
    return files(file, `Extension ${extensionNumber} of ${containingType}`);
  }
  if (request.allExtensionNumbersOfType !== undefined) {
    const baseTypeName = request.allExtensionNumbersOfType;
    if (pool.fileOf(baseTypeName) === undefined) return error(NOT_FOUND, `Type ${baseTypeName} is not known`);
    return { allExtensionNumbersResponse: { baseTypeName, extensionNumber: pool.extensionNumbers(baseTypeName) } };
  }
  if (request.listServices !== undefined) {
    return { listServicesResponse: { service: services.map((name) => ({ name })) } };
  }
  return error(INVALID_ARGUMENT, 'The request asks for nothing');
}

const error = (errorCode: number, errorMessage: string): ReflectionAnswer => ({
  errorResponse: { errorCode, errorMessage },
});

/** The file, always, then what it imports directly and indirectly, unless sent before. */
function withDependencies(file: PoolFile, pool: FilePool, sent: Set<string>): Uint8Array[] {
  sent.add(file.name);
  const found = [file.bytes];
  for (const name of file.dependencies) {
    const dependency = pool.file(name);
    if (dependency !== undefined && !sent.has(name)) found.push(...withDependencies(dependency, pool, sent));
  }
  return found;
}
