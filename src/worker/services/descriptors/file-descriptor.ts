/**
 * Runs in workers: the messages of google/protobuf/descriptor.proto as plain objects, as far as they are worked with.
 * Options and source info stay encoded: they pass through unread, and so do extensions that nobody here knows.
 */
export interface FileDescriptor extends Optioned {
  name: string;
  package: string;
  dependency: string[];
  /** Indexes into `dependency`. */
  publicDependency: number[];
  weakDependency: number[];
  messageType: MessageDescriptor[];
  enumType: EnumDescriptor[];
  service: ServiceDescriptor[];
  extension: FieldDescriptor[];
  sourceCodeInfo?: Uint8Array;
  /** Absent: proto2. */
  syntax?: string;
  /** With syntax "editions" only. */
  edition?: number;
}

export interface Optioned {
  options?: Uint8Array;
}

export interface MessageDescriptor extends Optioned {
  name: string;
  field: FieldDescriptor[];
  extension: FieldDescriptor[];
  nestedType: MessageDescriptor[];
  enumType: EnumDescriptor[];
  /** Ends are exclusive, as in `reservedRange`. */
  extensionRange: (Range & Optioned)[];
  oneofDecl: OneofDescriptor[];
  reservedRange: Range[];
  reservedName: string[];
}

export interface Range {
  start: number;
  end: number;
}

export interface FieldDescriptor extends Optioned {
  name: string;
  number: number;
  label: number;
  /** Absent until the name of the type has been looked up. */
  type?: number;
  /** Once linked: fully qualified, with a leading dot. */
  typeName?: string;
  extendee?: string;
  defaultValue?: string;
  oneofIndex?: number;
  jsonName?: string;
  proto3Optional?: boolean;
}

export interface OneofDescriptor extends Optioned {
  name: string;
}

export interface EnumDescriptor extends Optioned {
  name: string;
  value: EnumValueDescriptor[];
  /** Ends are inclusive, unlike those of messages. */
  reservedRange: Range[];
  reservedName: string[];
}

export interface EnumValueDescriptor extends Optioned {
  name: string;
  number: number;
}

export interface ServiceDescriptor extends Optioned {
  name: string;
  method: MethodDescriptor[];
}

export interface MethodDescriptor extends Optioned {
  name: string;
  inputType: string;
  outputType: string;
  clientStreaming?: boolean;
  serverStreaming?: boolean;
}

export const LABEL = { optional: 1, required: 2, repeated: 3 } as const;

/** FieldDescriptorProto.Type, by the names of the language; `enum`, `group` and `message` are told by lookup. */
export const TYPE = {
  double: 1, float: 2, int64: 3, uint64: 4, int32: 5, fixed64: 6, fixed32: 7, bool: 8, string: 9, group: 10,
  message: 11, bytes: 12, uint32: 13, enum: 14, sfixed32: 15, sfixed64: 16, sint32: 17, sint64: 18,
} as const;

const SCALARS = new Map<string, number>(Object.entries(TYPE).filter(([name]) => !/enum|group|message/.test(name)));
const NAMES = new Map<number, string>(Object.entries(TYPE).map(([name, type]) => [type, name]));

/** The number of a scalar type; undefined for the name of a message or an enum. */
export const scalarType = (name: string): number | undefined => SCALARS.get(name);

/** The name of a type, as the language and protobufjs spell it. */
export const typeName = (type: number): string => NAMES.get(type) ?? 'unknown';

export function emptyFile(name: string): FileDescriptor {
  return {
    name, package: '', dependency: [], publicDependency: [], weakDependency: [],
    messageType: [], enumType: [], service: [], extension: [],
  };
}

export function emptyMessage(name: string): MessageDescriptor {
  return {
    name, field: [], extension: [], nestedType: [], enumType: [],
    extensionRange: [], oneofDecl: [], reservedRange: [], reservedName: [],
  };
}

/** `a.b` and `c` make `a.b.c`; the empty package adds nothing. */
export const qualified = (scope: string, name: string): string => (scope === '' ? name : `${scope}.${name}`);
