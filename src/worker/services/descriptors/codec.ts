/** Runs in workers, and not before it is needed: descriptors to and from their wire form. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type protobuf from 'protobufjs';
import type { FileDescriptor } from './file-descriptor.js';

const require = createRequire(import.meta.url);
let cached: { readonly files: protobuf.Root; readonly options: protobuf.Root } | undefined;

/** The text of descriptor.proto and of the few other google/protobuf files that come with protobufjs. */
export function bundledProto(name: string): string {
  return readFileSync(require.resolve(`protobufjs/${name}`), 'utf8');
}

/**
 * Two readings of descriptor.proto: the plain one for options, and one in which every field that holds options or
 * source info is `bytes`, the same on the wire, so that decoding and encoding loses no extension.
 */
function roots(): NonNullable<typeof cached> {
  if (cached !== undefined) return cached;
  const text = bundledProto('google/protobuf/descriptor.proto');
  const opaque = text
    .replace(/optional \w+Options options =/g, 'optional bytes options =')
    .replace('optional SourceCodeInfo source_code_info =', 'optional bytes source_code_info =')
    .replace('repeated FileDescriptorProto file =', 'repeated bytes file =');
  return (cached = { files: parse(opaque, false), options: parse(text, true) });
}

function parse(text: string, keepCase: boolean): protobuf.Root {
  const { parse: parseInto, Root } = require('protobufjs') as typeof protobuf;
  const root = new Root();
  parseInto(text, root, { keepCase });
  root.resolveAll();
  return root;
}

/** The encoded FileDescriptorProtos of an encoded FileDescriptorSet, byte for byte. */
export function splitSet(bytes: Uint8Array): Uint8Array[] {
  const set = roots().files.lookupType('google.protobuf.FileDescriptorSet').decode(bytes);
  return (set as protobuf.Message & { file: Uint8Array[] }).file;
}

export function decodeFile(bytes: Uint8Array): FileDescriptor {
  const type = roots().files.lookupType('google.protobuf.FileDescriptorProto');
  // The interface says what the type holds, once arrays are always there, and name and package too.
  return { name: '', package: '', ...type.toObject(type.decode(bytes), { arrays: true }) } as FileDescriptor;
}

export function encodeFile(file: FileDescriptor): Uint8Array {
  const type = roots().files.lookupType('google.protobuf.FileDescriptorProto');
  // fromObject would set an empty package, which is not what compilers write.
  const { package: packageName, ...rest } = file;
  return type.encode(type.fromObject(packageName === '' ? rest : file)).finish();
}

type Options = Record<string, unknown>;

/** Encoded options as an object, names as in descriptor.proto, enums by name; extensions are left out. */
export function decodeOptions(message: string, bytes: Uint8Array | undefined): Options {
  if (bytes === undefined) return {};
  const type = roots().options.lookupType(`google.protobuf.${message}`);
  return type.toObject(type.decode(bytes), { enums: String });
}

/** The reverse of `decodeOptions`; no options at all are none. */
export function encodeOptions(message: string, options: Options): Uint8Array | undefined {
  if (Object.keys(options).length === 0) return undefined;
  const type = roots().options.lookupType(`google.protobuf.${message}`);
  return type.encode(type.fromObject(options)).finish();
}
