/** Runs in workers: the messages of grpc.reflection, read from reflection.proto at the first use. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type protobuf from 'protobufjs';
import type { ProtoSource } from './descriptors/compiler.js';

export interface ReflectionRequest {
  readonly host?: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: { readonly containingType?: string; readonly extensionNumber?: number };
  readonly allExtensionNumbersOfType?: string;
  readonly listServices?: string;
}

export interface ExtensionNumbers {
  readonly baseTypeName: string;
  readonly extensionNumber: readonly number[];
}

export type ReflectionAnswer =
  | { readonly fileDescriptorResponse: { readonly fileDescriptorProto: readonly Uint8Array[] } }
  | { readonly allExtensionNumbersResponse: ExtensionNumbers }
  | { readonly listServicesResponse: { readonly service: readonly { readonly name: string }[] } }
  | { readonly errorResponse: { readonly errorCode: number; readonly errorMessage: string } };

export type ReflectionResponse = ReflectionAnswer & {
  readonly validHost: string;
  readonly originalRequest: ReflectionRequest;
};

export const VERSIONS = ['v1', 'v1alpha'] as const;
export type Version = (typeof VERSIONS)[number];

/** reflection.proto under its published names. */
export function reflectionSource(version: Version): ProtoSource {
  const text = readFileSync(new URL('reflection.proto', import.meta.url), 'utf8');
  return {
    name: `grpc/reflection/${version}/reflection.proto`,
    text: text.replace('package grpc.reflection.v1;', `package grpc.reflection.${version};`),
    imports: new Map(),
  };
}

let cached: Record<'request' | 'response', protobuf.Type> | undefined;

/** On the wire both versions are the same. */
function types(): NonNullable<typeof cached> {
  if (cached !== undefined) return cached;
  const { parse } = createRequire(import.meta.url)('protobufjs') as typeof protobuf;
  const { root } = parse(reflectionSource('v1').text);
  const type = (name: string): protobuf.Type => root.lookupType(`grpc.reflection.v1.${name}`);
  return (cached = { request: type('ServerReflectionRequest'), response: type('ServerReflectionResponse') });
}

export const decodeRequest = (bytes: Uint8Array): ReflectionRequest => {
  const { request } = types();
  return request.toObject(request.decode(bytes));
};

export const encodeResponse = (response: ReflectionResponse): Buffer =>
  Buffer.from(types().response.encode(types().response.fromObject(response)).finish());

/** For clients; a server only decodes requests. */
export const encodeRequest = (request: ReflectionRequest): Buffer =>
  Buffer.from(types().request.encode(types().request.fromObject(request)).finish());

/** For clients; a server only encodes responses. */
export const decodeResponse = (bytes: Uint8Array): ReflectionResponse => {
  const { response } = types();
  // The oneof of the message is the union of the type.
  return response.toObject(response.decode(bytes)) as ReflectionResponse;
};
