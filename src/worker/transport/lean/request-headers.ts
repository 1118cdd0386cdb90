/**
 * Runs in a worker. Header blocks of clients, turned into the object that node:http2 would give to grpc-js. Blocks are
 * context-free (src/front/link.ts), so equal bytes are equal headers, whoever sent them.
 */
import { status } from '@grpc/grpc-js';
import { decodeLiteralField, decodeValue, findValue, walkFields } from '../../../http2/hpack/walk.js';
import { ByteCache } from './byte-cache.js';
import type { AnswerHeaders } from './lean-stream.js';
import { fieldName, GRPC_TYPE, requestField, type FieldName, type RequestField } from './request-field.js';

/**
 * By name. What comes of a block that comes often is frozen, and shared by all calls that send the same. Left out are fields that
 * grpc-js takes out of the metadata without reading them, which would be a tenth of the price of a call.
 */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Blocks, fields and names that are remembered; of at most so many bytes each. */
const BLOCKS = { places: 1024, longest: 2048 };
const FIELDS = { places: 2048, longest: 512 };
const NAMES = { places: 256, longest: 64 };

/** Fields that have one value: of a second one node keeps nothing. */
const SINGLE = new Set(
  ('access-control-allow-credentials access-control-max-age access-control-request-method age authorization ' +
    'content-encoding content-language content-location content-md5 content-range content-type date dnt etag ' +
    'expires from if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location ' +
    'max-forwards proxy-authorization range referer retry-after tk upgrade-insecure-requests user-agent ' +
    'x-content-type-options').split(' '),
);
/** A second one makes the block malformed (RFC 9110 section 8.6, RFC 9112 section 3.2). */
const ONCE = new Set(['content-length', 'host']);

const NOTHING = Buffer.alloc(0);

export class RequestReader {
  /** The answer to a block that is too large. */
  readonly refusal: AnswerHeaders;
  readonly #maxSize: number;
  readonly #blocks = new ByteCache<RequestHeaders>(BLOCKS.places, BLOCKS.longest);
  readonly #fieldCache = new ByteCache<RequestField>(FIELDS.places, FIELDS.longest);
  readonly #names = new ByteCache<FieldName>(NAMES.places, NAMES.longest);
  /** Of the block that is being read. */
  #fields: RequestField[] = [];
  #buffer: Buffer = NOTHING;
  readonly #visit = (start: number, end: number): void => {
    this.#fields.push(this.#read(start, end));
  };

  /** @param maxSize bytes of a block as RFC 9113 section 6.5.2 counts them */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
    this.refusal = {
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-status': status.RESOURCE_EXHAUSTED,
      'grpc-message': `The metadata of the call is larger than ${maxSize} bytes.`,
    };
  }

  /** @throws ConnectionError COMPRESSION_ERROR for a block that is broken, or refers to other blocks */
  read(buffer: Buffer, start: number, end: number): RequestHeaders | 'malformed' | 'too large' {
    const known = this.#blocks.get(buffer, start, end);
    if (known !== undefined) return known;
    const fields = this.#split(buffer, start, end);
    if (sizeOf(fields) > this.#maxSize) return 'too large';
    const headers = assemble(fields);
    if (headers === null) return 'malformed';
    // Frozen, because other calls will be given it, too.
    if (this.#blocks.offer(buffer, start, end, headers)) Object.freeze(headers);
    return headers;
  }

  /**
   * grpc-js has no use for what clients send in trailers, so that is only looked through.
   * @throws ConnectionError as `read` does
   */
  checkTrailers(buffer: Buffer, start: number, end: number): 'good' | 'malformed' | 'too large' {
    const fields = this.#split(buffer, start, end);
    if (sizeOf(fields) > this.#maxSize) return 'too large';
    // RFC 9113 section 8.1: no pseudo-headers in trailers.
    return fields.every(({ kind }) => kind !== 'pseudo' && kind !== 'malformed') ? 'good' : 'malformed';
  }

  #split(buffer: Buffer, start: number, end: number): readonly RequestField[] {
    this.#fields = [];
    this.#buffer = buffer;
    walkFields(buffer, start, end, this.#visit);
    return this.#fields;
  }

  #read(start: number, end: number): RequestField {
    const known = this.#fieldCache.get(this.#buffer, start, end);
    if (known !== undefined) return known;
    const field = this.#decode(start, end);
    this.#fieldCache.offer(this.#buffer, start, end, field);
    return field;
  }

  /** A value that changes with each call, such as a trace id, mostly has a name that does not. */
  #decode(start: number, end: number): RequestField {
    const buffer = this.#buffer;
    const middle = findValue(buffer, start, end);
    const known = this.#names.get(buffer, start, middle);
    if (known !== undefined) return requestField(known, decodeValue(buffer, middle, end));
    const { name, value } = decodeLiteralField(buffer, start, end);
    const made = fieldName(name);
    if (middle > start) this.#names.offer(buffer, start, middle, made);
    return requestField(made, value);
  }
}

function sizeOf(fields: readonly RequestField[]): number {
  let size = 0;
  for (const field of fields) size += field.size;
  return size;
}

type Headers = Record<string, string | string[] | undefined>;

/**
 * Objects that inherit nothing but what is given. With a constructor they keep the engine's fast form, which those of
 * Object.create(null) do not have.
 */
function headersWith(inherited: Headers): () => Headers {
  const Class = function () {
    // Its fields come later.
  } as unknown as new () => Headers;
  Class.prototype = Object.assign(Object.create(null) as Headers, inherited);
  return () => new Class();
}

const emptyHeaders = headersWith({});
/** grpc-js asks for the type by its name, and would make metadata of a field of the object itself, and remove it. */
const grpcHeaders = headersWith({ 'content-type': GRPC_TYPE });

/** Null for a malformed block. */
function assemble(fields: readonly RequestField[]): RequestHeaders | null {
  const headers = hasGrpcType(fields) ? grpcHeaders() : emptyHeaders();
  let isRegular = false;
  for (const { name, value, kind } of fields) {
    if (kind === 'malformed') return null;
    const before = headers[name];
    // RFC 9113 section 8.3: before all other fields, and each once.
    if (kind === 'pseudo' && (isRegular || before !== undefined)) return null;
    isRegular = kind !== 'pseudo';
    if (kind === 'ignored' || kind === 'type') continue;
    if (before === undefined) headers[name] = name === 'set-cookie' ? [value] : value;
    else if (!join(headers, name, before, value)) return null;
  }
  return isComplete(headers) ? headers : null;
}

/** The first one counts, as for all fields with one value. */
function hasGrpcType(fields: readonly RequestField[]): boolean {
  for (const { name, kind } of fields) if (name === 'content-type') return kind === 'type';
  return false;
}

/** As node does it: lib/internal/http2/util.js, toHeaderObject. False when that must not come twice. */
function join(headers: Headers, name: string, before: string | string[], value: string): boolean {
  if (ONCE.has(name)) return false;
  if (typeof before !== 'string') before.push(value);
  else if (!SINGLE.has(name)) headers[name] = before + (name === 'cookie' ? '; ' : ', ') + value;
  return true;
}

/** RFC 9113 sections 8.3.1 and 8.5. */
function isComplete(headers: Headers): boolean {
  const { ':method': method, ':scheme': scheme, ':path': path, ':authority': authority = headers.host } = headers;
  if (method === 'CONNECT') return scheme === undefined && path === undefined && authority !== undefined;
  if (method === undefined || typeof scheme !== 'string' || typeof path !== 'string') return false;
  if (scheme !== 'http' && scheme !== 'https') return true;
  return authority !== undefined && (path.startsWith('/') || (path === '*' && method === 'OPTIONS'));
}
