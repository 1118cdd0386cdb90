/** What a field takes besides its octets (RFC 7541 section 4.1; RFC 9113 section 6.5.2 counts lists the same way). */
export const FIELD_OVERHEAD = 32;

/** Fields that a peer refers to by index, the newest first (RFC 7541 section 2.3.2). A ring, in a power of two places. */
export class DynamicTable {
  #names: string[] = ['', '', '', '', '', '', '', ''];
  #values: string[] = ['', '', '', '', '', '', '', ''];
  #next = 0;
  #count = 0;
  #size = 0;
  #limit: number;
  #changes = 0;

  /** @param limit in bytes as section 4.1 counts them */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Fields in the table. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of them. */
  get size(): number {
    return this.#size;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Goes up whenever an index may mean something else than before. */
  get changes(): number {
    return this.#changes;
  }

  setLimit(limit: number): void {
    this.#changes += 1;
    this.#limit = limit;
    this.#evict(limit);
  }

  /** @param age 0 for the newest, less than `count` */
  name(age: number): string {
    return this.#names[(this.#next - 1 - age) & (this.#names.length - 1)] ?? '';
  }

  value(age: number): string {
    return this.#values[(this.#next - 1 - age) & (this.#values.length - 1)] ?? '';
  }

  /** A field that is larger than the limit empties the table (section 4.4). */
  insert(name: string, value: string): void {
    const size = name.length + value.length + FIELD_OVERHEAD;
    this.#changes += 1;
    this.#evict(this.#limit - size);
    if (size > this.#limit) return;
    if (this.#count === this.#names.length) this.#grow();
    this.#names[this.#next] = name;
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) & (this.#names.length - 1);
    this.#count += 1;
    this.#size += size;
  }

  /** Drops the oldest until no more than that many bytes are left. */
  #evict(size: number): void {
    while (this.#size > size && this.#count > 0) {
      const oldest = (this.#next - this.#count) & (this.#names.length - 1);
      this.#size -= this.name(this.#count - 1).length + this.value(this.#count - 1).length + FIELD_OVERHEAD;
      this.#names[oldest] = '';
      this.#values[oldest] = '';
      this.#count -= 1;
    }
  }

  /** Only when every place is taken: the oldest field is at #next. */
  #grow(): void {
    const places = this.#names.length;
    const unroll = (ring: string[]): string[] => [
      ...ring.slice(this.#next), ...ring.slice(0, this.#next), ...new Array<string>(places).fill(''),
    ];
    this.#names = unroll(this.#names);
    this.#values = unroll(this.#values);
    this.#next = places;
  }
}
