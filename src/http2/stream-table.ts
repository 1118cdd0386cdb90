/** Powers of two, as all sizes of the table: of one that is new, and the least that it shrinks to after it has grown. */
const LEAST = 8;
const KEPT = 64;

/**
 * Streams by their id. A hash table in a plain array, and no Map: a Map of short-lived values leaves chains of its old
 * tables behind, through which the garbage collector keeps the dead ones, and that made calls up to 1.7 times as dear.
 * Ids of a connection are odd and increase, so half an id is a good hash, and neighbours lie side by side.
 */
export class StreamTable<T extends { readonly id: number }> {
  #places = emptyPlaces<T>(LEAST);
  #mask = LEAST - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    const places = this.#places;
    const mask = this.#mask;
    for (let place = (id >>> 1) & mask; ; place = (place + 1) & mask) {
      const stream = places[place];
      if (stream === undefined || stream.id === id) return stream;
    }
  }

  /** @param stream whose id is not in the table */
  add(stream: T): void {
    // A quarter of the places stays free, so that a search ends soon.
    if ((this.#size + 1) * 4 > (this.#mask + 1) * 3) this.#resize((this.#mask + 1) * 2);
    this.#place(stream);
    this.#size += 1;
  }

  delete(id: number): boolean {
    const places = this.#places;
    const mask = this.#mask;
    let place = (id >>> 1) & mask;
    for (; ; place = (place + 1) & mask) {
      const stream = places[place];
      if (stream === undefined) return false;
      if (stream.id === id) break;
    }
    this.#free(place);
    this.#size -= 1;
    if (mask >= KEPT && this.#size * 8 < mask + 1) this.#resize((mask + 1) / 2);
    return true;
  }

  /** Over the streams of this moment, in no particular order; the table may change meanwhile. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#streams()[Symbol.iterator]();
  }

  /** Empties a place, and moves those behind it up that would not be found any more. */
  #free(place: number): void {
    const places = this.#places;
    const mask = this.#mask;
    let free = place;
    for (let next = (free + 1) & mask; ; next = (next + 1) & mask) {
      const stream = places[next];
      if (stream === undefined) break;
      const home = (stream.id >>> 1) & mask;
      if (((next - home) & mask) < ((next - free) & mask)) continue;
      places[free] = stream;
      free = next;
    }
    places[free] = undefined;
  }

  #place(stream: T): void {
    const places = this.#places;
    const mask = this.#mask;
    let place = (stream.id >>> 1) & mask;
    while (places[place] !== undefined) place = (place + 1) & mask;
    places[place] = stream;
  }

  #resize(length: number): void {
    const streams = this.#streams();
    this.#places = emptyPlaces(length);
    this.#mask = length - 1;
    for (const stream of streams) this.#place(stream);
  }

  #streams(): T[] {
    return this.#places.filter((stream) => stream !== undefined);
  }
}

function emptyPlaces<T>(length: number): (T | undefined)[] {
  return new Array<T | undefined>(length).fill(undefined);
}
