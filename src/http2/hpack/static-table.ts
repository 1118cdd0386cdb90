/** The static table (RFC 7541 Appendix A): names with their values, by index from 1 on. */
const FIELDS: readonly (readonly [string, string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** The largest index; the dynamic table goes on behind it. */
export const STATIC_LENGTH = FIELDS.length;

/** By index; index 0 means nothing (RFC 7541 section 6.1). */
export const STATIC_NAMES: readonly string[] = ['', ...FIELDS.map(([name]) => name)];
export const STATIC_VALUES: readonly string[] = ['', ...FIELDS.map(([, value]) => value)];

export interface StaticEntry {
  /** The lowest index of the name. */
  readonly index: number;
  /** Indexes of the fields that have that name and the value. */
  readonly values: ReadonlyMap<string, number>;
}

/** By name. */
export const STATIC_ENTRIES: ReadonlyMap<string, StaticEntry> = collect();

function collect(): Map<string, StaticEntry> {
  const entries = new Map<string, { index: number; values: Map<string, number> }>();
  FIELDS.forEach(([name, value], position) => {
    const entry = entries.get(name) ?? { index: position + 1, values: new Map<string, number>() };
    entries.set(name, entry);
    entry.values.set(value, position + 1);
  });
  return entries;
}
