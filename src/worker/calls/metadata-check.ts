/** Runs in a worker: what grpc-js and node:http2 cannot send, found before they throw where nobody can catch it. */

/**
 * Largest sum of name + value + 32 bytes a field. nghttp2 refuses to send a block of 64 KiB or more, and then the
 * call hangs, and with it a grpc-js client's whole connection. The rest is for the fields that gRPC adds: the
 * status, and details of at most 2 KiB, three times as long in percent-encoding. Clients have lower limits of
 * their own (8 KiB in many), which are theirs to set: a trailer that one client refuses is the wish of another.
 */
const SIZE_LIMIT = 48 * 1024;

/** Of one connection (RFC 9113, 8.2.2), or set by gRPC itself: node throws at the former, the latter would win. */
const RESERVED = new Set(
  ('connection upgrade http2-settings keep-alive proxy-connection transfer-encoding te ' +
    'grpc-status grpc-message').split(' '),
);

/** node:http2 throws when one of these has two values. */
const SINGLE = new Set(
  ('access-control-allow-credentials access-control-max-age access-control-request-method age authorization ' +
    'content-encoding content-language content-length content-location content-md5 content-range content-type ' +
    'date dnt etag expires from host if-match if-modified-since if-none-match if-range if-unmodified-since ' +
    'last-modified location max-forwards proxy-authorization range referer retry-after tk ' +
    'upgrade-insecure-requests user-agent x-content-type-options').split(' '),
);

/** What grpc-js calls on a Metadata that it sends. */
interface SendableMetadata {
  clone(): SendableMetadata;
  toHttp2Headers(): Record<string, unknown>;
}

/** Why this cannot be sent as metadata; null when it can. Looks at its methods alone: it may be of another grpc-js. */
export function findMetadataFault(metadata: unknown): string | null {
  // grpc-js takes these for none.
  if (metadata === null || metadata === undefined) return null;
  let size = 0;
  try {
    const { clone, toHttp2Headers } = metadata as Partial<SendableMetadata>;
    if (typeof clone !== 'function' || typeof toHttp2Headers !== 'function') {
      return 'it is not a Metadata of @grpc/grpc-js';
    }
    const headers = (metadata as SendableMetadata).clone().toHttp2Headers();
    for (const name in headers) {
      const fault = findFieldFault(name, headers[name]);
      if (fault !== null) return `"${name}" ${fault}`;
      size += fieldSize(name, headers[name] as string | string[]);
    }
  } catch (error) {
    return `it cannot be turned into headers (${String(error)})`;
  }
  return size > SIZE_LIMIT ? `it takes ${String(size)} bytes, more than ${String(SIZE_LIMIT)}` : null;
}

function findFieldFault(name: string, value: unknown): string | null {
  if (RESERVED.has(name)) return 'is not for applications to set';
  if (typeof value === 'string') return null;
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) return 'is no text';
  return value.length > 1 && SINGLE.has(name) ? 'may have one value only' : null;
}

function fieldSize(name: string, value: string | string[]): number {
  if (typeof value === 'string') return name.length + value.length + 32;
  return value.reduce((sum, entry) => sum + name.length + entry.length + 32, 0);
}
