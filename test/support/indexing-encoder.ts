import { STATIC_ENTRIES } from '#src/http2/hpack/static-table.js';
import { INTEGER_ROOM, writeInteger } from '#src/http2/hpack/integer.js';

const STATIC_LENGTH = 61;
/** RFC 7541 section 4.1. */
const OVERHEAD = 32;

/** Writes header blocks as a client does that keeps its dynamic table for ever: everything is indexed (RFC 7541 section 6.2.1). */
export class IndexingEncoder {
  /** The newest first. */
  readonly #table: (readonly [name: string, value: string])[] = [];
  readonly #limit: number;
  #size = 0;
  /** How often a field was sent as nothing but its place in the table. */
  references = 0;

  constructor(limit = 4096) {
    this.#limit = limit;
  }

  encode(fields: readonly (readonly [name: string, value: string])[]): Buffer {
    return Buffer.concat(fields.map(([name, value]) => this.#field(name, value)));
  }

  #field(name: string, value: string): Buffer {
    const entry = STATIC_ENTRIES.get(name);
    const inStatic = entry?.values.get(value);
    if (inStatic !== undefined) return integer(0x80, 0x7f, inStatic);
    const place = this.#table.findIndex(([key, text]) => key === name && text === value);
    if (place !== -1) {
      this.references += 1;
      return integer(0x80, 0x7f, STATIC_LENGTH + 1 + place);
    }
    const named = this.#table.findIndex(([key]) => key === name);
    const index = entry?.index ?? (named === -1 ? 0 : STATIC_LENGTH + 1 + named);
    this.#insert(name, value);
    return Buffer.concat([integer(0x40, 0x3f, index), ...(index === 0 ? [text(name)] : []), text(value)]);
  }

  #insert(name: string, value: string): void {
    this.#table.unshift([name, value]);
    this.#size += name.length + value.length + OVERHEAD;
    while (this.#size > this.#limit) {
      const [oldName, oldValue] = this.#table.pop() ?? ['', ''];
      this.#size -= oldName.length + oldValue.length + OVERHEAD;
    }
  }
}

function integer(first: number, mask: number, value: number): Buffer {
  const bytes = Buffer.alloc(INTEGER_ROOM + 1);
  return bytes.subarray(0, writeInteger(bytes, 0, first, mask, value));
}

const text = (value: string): Buffer => Buffer.concat([integer(0, 0x7f, value.length), Buffer.from(value, 'latin1')]);
