/** Runs in workers: grpc.reflection v1 and v1alpha. Nothing is read or parsed before the first call. */
import type { ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import type { BuiltInService } from './built-in-service.js';
import type { DescriptorRegistry } from './descriptor-registry.js';
import type { FilePool } from './descriptors/file-pool.js';
import { answer, buildPool, serviceName } from './reflection-index.js';
import {
  decodeRequest, decodeResponse, encodeRequest, encodeResponse, VERSIONS,
  type ReflectionRequest, type ReflectionResponse,
} from './reflection-messages.js';

export interface ReflectionOptions {
  /** The definitions of all services of the server, this one included; asked for at each call. */
  readonly services: () => Iterable<ServiceDefinition>;
  /** What context.loadProto has loaded. */
  readonly registry: DescriptorRegistry;
  /** Told why something cannot be described; everything else still is. */
  readonly onProblem: (problem: string) => void;
}

/** One service for each version of the protocol; both are needed, as clients use either. */
export function createReflection(options: ReflectionOptions): BuiltInService[] {
  const { services, registry, onProblem } = options;
  let pool: FilePool | undefined;
  const reflect = (call: ServerDuplexStream<ReflectionRequest, ReflectionResponse>): void => {
    pool ??= buildPool(services(), registry, onProblem);
    const known = pool;
    const names = Array.from(services(), serviceName).sort();
    const sent = new Set<string>();
    call.on('data', (request: ReflectionRequest) => {
      const found = answer(request, known, names, sent);
      if (call.write({ validHost: request.host ?? '', originalRequest: request, ...found })) return;
      // A client that asks without reading must not fill the memory.
      call.pause();
      call.once('drain', () => call.resume());
    });
    call.on('end', () => call.end());
  };
  return VERSIONS.map((version) => ({
    definition: {
      ServerReflectionInfo: {
        path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        requestSerialize: encodeRequest,
        requestDeserialize: decodeRequest,
        responseSerialize: encodeResponse,
        responseDeserialize: decodeResponse,
      },
    },
    implementation: { ServerReflectionInfo: reflect },
  }));
}
