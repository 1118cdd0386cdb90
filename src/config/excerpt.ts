/** Longest excerpt of a wrong value, in characters. */
const LIMIT = 60;

/** A wrong value as short JSON, for "got ...". */
export function excerpt(value: unknown): string {
  const json = typeof value === 'number' ? String(value) : (JSON.stringify(value) as string | undefined) ?? String(value);
  return json.length > LIMIT ? `${json.slice(0, LIMIT - 3)}...` : json;
}

/** The same with every text and number hidden; keys and kinds stay, for it is mostly the kind that is wrong. */
export function secretExcerpt(value: unknown): string {
  return excerpt(hide(value));
}

function hide(value: unknown): unknown {
  if (typeof value === 'string') return '***';
  if (Array.isArray(value)) return value.map(hide);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, hide(entry)]));
  }
  return value === null ? null : `*** (a ${typeof value})`;
}
