/** Runs in a worker. One field of a call's headers, and what RFC 9113 says about it alone. */
import { isReadable } from '../readable-metadata.js';

/** A name, and what it alone says of a field. */
export interface FieldName {
  readonly name: string;
  readonly rule: 'pseudo' | 'type' | 'te' | 'length' | 'ignored' | 'regular' | 'malformed';
}

export interface RequestField {
  readonly name: string;
  readonly value: string;
  /** As section 6.5.2 counts. */
  readonly size: number;
  /**
   * `type` is the content-type of gRPC, and `ignored` what grpc-js takes out of the metadata without a look at it, or would
   * not take as metadata.
   */
  readonly kind: 'pseudo' | 'regular' | 'type' | 'ignored' | 'malformed';
}

export const GRPC_TYPE = 'application/grpc';

const OVERHEAD = 32;
/** Section 8.3.1. */
const PSEUDO = new Set([':method', ':scheme', ':authority', ':path']);
/** Section 8.2.2. */
const OF_CONNECTIONS = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
const IGNORED = new Set(['accept-encoding', 'grpc-accept-encoding']);
/** Section 8.2.1, and RFC 9110 section 5.1: a token without upper-case letters. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** The same, and RFC 9110 section 5.5: no control characters. */
const VALUE = /^[\t -~\x80-\xff]*$/;
/**
 * Nothing may have white space at either end, but libraries send what they are given, and the gRPC protocol lets a
 * server strip it from metadata.
 */
const MARGINS = /^[\t ]+|[\t ]+$/g;
const HAS_MARGIN = /^[\t ]|[\t ]$/;
/** RFC 3986 section 3.3 has no white space in it, and no control characters. */
const PATH = /^[!-~\x80-\xff]+$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+\-.]*$/;
const DIGITS = /^[0-9]{1,15}$/;

export function fieldName(name: string): FieldName {
  return { name, rule: ruleOf(name) };
}

function ruleOf(name: string): FieldName['rule'] {
  if (name.startsWith(':')) return PSEUDO.has(name) ? 'pseudo' : 'malformed';
  if (!NAME.test(name) || OF_CONNECTIONS.has(name)) return 'malformed';
  if (name === 'te') return 'te';
  if (name === 'content-length') return 'length';
  if (name === 'content-type') return 'type';
  return IGNORED.has(name) ? 'ignored' : 'regular';
}

export function requestField({ name, rule }: FieldName, given: string): RequestField {
  const value = HAS_MARGIN.test(given) && rule !== 'pseudo' ? given.replace(MARGINS, '') : given;
  return { name, value, size: name.length + given.length + OVERHEAD, kind: kindOf(name, rule, value) };
}

function kindOf(name: string, rule: FieldName['rule'], value: string): RequestField['kind'] {
  if (!VALUE.test(value)) return 'malformed';
  switch (rule) {
    case 'pseudo':
      return isPseudoValue(name, value) ? 'pseudo' : 'malformed';
    case 'te':
      return value.toLowerCase() === 'trailers' ? 'ignored' : 'malformed';
    case 'length':
      return DIGITS.test(value) ? 'regular' : 'malformed';
    case 'type':
      return value === GRPC_TYPE ? 'type' : 'regular';
    case 'regular':
      return isReadable(name, value) ? 'regular' : 'ignored';
    case 'ignored':
    case 'malformed':
      return rule;
  }
}

function isPseudoValue(name: string, value: string): boolean {
  if (name === ':method') return TOKEN.test(value);
  if (name === ':scheme') return SCHEME.test(value);
  if (name === ':path') return PATH.test(value);
  return !HAS_MARGIN.test(value);
}
