/**
 * A copy of `value` that holds nothing but data: maps, lists, text, numbers, booleans and null. Config travels
 * between processes, so a function or an object of a class in it cannot work; `refuse` is called with the place of
 * the first one (`servicers[1]`) and what it is, and must throw.
 */
export function plainData(value: unknown, refuse: (place: string, what: string) => never): unknown {
  const parents = new Set<object>();
  const copy = (current: unknown, place: string): unknown => {
    if (current === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof current)) return current;
    if (typeof current !== 'object') return refuse(place, `a ${typeof current}`);
    if (parents.has(current)) return refuse(place, 'a reference back to what it is in');
    parents.add(current);
    const copied = Array.isArray(current) ? current.map((entry, index) => copy(entry, `${place}[${index}]`)) : copyRecord(current, place);
    parents.delete(current);
    return copied;
  };
  const copyRecord = (record: object, place: string): Record<string, unknown> => {
    if (!isPlainRecord(record)) return refuse(place, `a ${nameOfClass(record)}`);
    const symbol = Object.getOwnPropertySymbols(record)[0];
    if (symbol !== undefined) return refuse(place, `a map with the key ${symbol.toString()}`);
    return Object.fromEntries(
      Object.entries(record)
        .filter(([, entry]) => entry !== undefined)
        .map(([key, entry]) => [key, copy(entry, place === '' ? key : `${place}.${key}`)]),
    );
  };
  return copy(value, '');
}

const nameOfClass = (record: object): string => {
  const { constructor } = record as { constructor?: unknown };
  return typeof constructor === 'function' ? constructor.name : 'object of a class';
};

/** True for `{}` of any realm, also without a prototype; not for arrays and objects of a class. */
export function isPlainRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Freezes data and all that is in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
