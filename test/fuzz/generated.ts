/** Frames that are right each by itself, in orders that are right for a while: what a client with a bug may send. */
import { FLAG, FRAME, PREFACE, SETTING } from '#src/http2/constants.js';
import { BlockWriter } from '#src/http2/hpack/encoder.js';
import { IndexingEncoder } from '../support/indexing-encoder.js';
import type { Chance } from './chance.js';
import { bytesOf, u32, type Frame } from './frames.js';

const PATHS = ['unary', 'unary', 'clientStream', 'serverStream', 'bidi', 'nothing'].map((name) => `/test.Calls/${name}`);
const SIZES = [0, 0, 1, 1, 5, 5, 100, 100, 1000, 16_000];
/** One for each kind of message (servicers.ts). */
const BODIES = Array.from({ length: 8 }, (_, kind) => Buffer.alloc(16_000, kind));
const WINDOWS = [0, 1, 100, 16_384, 65_535, 65_535, 1_000_000, 2 ** 31 - 1];
const INCREMENTS = [1, 9, 1000, 65_535, 1_000_000, 2 ** 30, 2 ** 31 - 1];
const CODES = [0, 8, 8, 8, 1, 5, 77];
const NONE = Buffer.alloc(0);

/** As the frames say, of those that the client has opened. */
type Half = 'open' | 'ended' | 'reset';

export class FrameMaker {
  readonly #chance: Chance;
  readonly #streams = new Map<number, Half>();
  /** Null for a client that empties its table as soon as it is told to. */
  readonly #indexing: IndexingEncoder | null;
  #nextId = 1;
  #blocks = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.#indexing = chance.is(0.5) ? new IndexingEncoder() : null;
  }

  /** The first words of a client. */
  greeting(): Buffer {
    const pairs = this.#chance.is(0.5) ? [NONE] : [this.#setting()];
    return Buffer.concat([
      PREFACE,
      bytesOf({ type: FRAME.SETTINGS, flags: 0, id: 0, payload: Buffer.concat(pairs) }),
      bytesOf({ type: FRAME.SETTINGS, flags: FLAG.ACK, id: 0, payload: NONE }),
    ]);
  }

  /** One frame, or those that one block takes. */
  next(): Frame[] {
    const chance = this.#chance;
    const kind = chance.below(100);
    if (kind < 25) return this.#open();
    if (kind < 55) return [this.#data()];
    if (kind < 63) return [this.#reset()];
    if (kind < 75) return [{ type: FRAME.WINDOW_UPDATE, flags: 0, id: chance.is(0.6) ? 0 : this.#anyId(), payload: u32(chance.one(INCREMENTS.slice(0, chance.is(0.99) ? 5 : 7))) }];
    if (kind < 80) return [{ type: FRAME.SETTINGS, flags: 0, id: 0, payload: this.#setting() }];
    if (kind < 85) return [{ type: FRAME.PING, flags: chance.is(0.8) ? 0 : FLAG.ACK, id: 0, payload: Buffer.alloc(8, chance.below(256)) }];
    if (kind < 89) return this.#trailers();
    if (kind < 93) return [{ type: FRAME.PRIORITY, flags: 0, id: this.#anyId(), payload: Buffer.alloc(5, chance.below(256)) }];
    if (kind < 98 || chance.is(0.8)) return [{ type: 11 + chance.below(200), flags: chance.below(256), id: this.#anyId(), payload: Buffer.alloc(chance.below(40)) }];
    return [this.#wrong()];
  }

  #open(): Frame[] {
    const chance = this.#chance;
    const id = this.#nextId;
    this.#nextId += 2 * (chance.is(0.95) ? 1 : 1 + chance.below(5));
    const isOver = chance.is(0.15);
    this.#streams.set(id, isOver ? 'ended' : 'open');
    const fields: (readonly [string, string])[] = [
      [':method', 'POST'], [':scheme', 'http'], [':path', chance.one(PATHS)], [':authority', 'test'], ['content-type', 'application/grpc'], ['te', 'trailers'],
    ];
    if (chance.is(0.3)) fields.push([`x-${chance.below(9)}`, 'v'.repeat(chance.below(200))]);
    if (chance.is(0.01)) fields.push(['x-large', 'l'.repeat(chance.below(20_000))]);
    if (chance.is(0.1)) fields.push(['grpc-timeout', chance.one(['1n', '100S', '5000m', '8H'])]);
    if (chance.is(0.02)) fields.push(['content-length', String(chance.one(SIZES))]);
    return this.#block(id, fields, isOver);
  }

  /** In one frame or several, padded or not. */
  #block(id: number, fields: readonly (readonly [string, string])[], endStream: boolean): Frame[] {
    const chance = this.#chance;
    const block = this.#encode(fields);
    const end = endStream ? FLAG.END_STREAM : 0;
    const cuts = block.length > 16_384 ? Math.ceil(block.length / 16_384) : chance.is(0.9) ? 1 : 1 + chance.below(4);
    const size = Math.ceil(block.length / cuts);
    if (cuts === 1 && chance.is(0.1)) {
      const padding = chance.below(30);
      const payload = Buffer.concat([Buffer.from([padding]), Buffer.alloc(5), block, Buffer.alloc(padding)]);
      return [{ type: FRAME.HEADERS, flags: FLAG.END_HEADERS | FLAG.PADDED | FLAG.PRIORITY | end, id, payload }];
    }
    return Array.from({ length: cuts }, (_, index): Frame => ({
      type: index === 0 ? FRAME.HEADERS : FRAME.CONTINUATION,
      flags: (index === 0 ? end : 0) | (index === cuts - 1 ? FLAG.END_HEADERS : 0),
      id,
      payload: block.subarray(index * size, (index + 1) * size),
    }));
  }

  #encode(fields: readonly (readonly [string, string])[]): Buffer {
    this.#blocks += 1;
    if (this.#indexing !== null) return this.#indexing.encode(fields);
    const writer = new BlockWriter();
    for (const [name, value] of fields) writer.add(name, value);
    return this.#blocks === 1 ? Buffer.concat([Buffer.from([0x20]), writer.take()]) : writer.take();
  }

  #data(): Frame {
    const chance = this.#chance;
    const id = this.#anyId();
    const size = chance.one(SIZES);
    const body = chance.one(BODIES).subarray(0, size);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(chance.is(0.95) ? size : chance.below(100_000), 1);
    prefix[0] = chance.is(0.98) ? 0 : chance.below(3);
    const message = chance.is(0.9) ? Buffer.concat([prefix, body]) : body;
    const isEnd = chance.is(0.3);
    if (isEnd && this.#streams.get(id) === 'open') this.#streams.set(id, 'ended');
    if (chance.is(0.9)) return { type: FRAME.DATA, flags: isEnd ? FLAG.END_STREAM : 0, id, payload: message };
    const padding = chance.below(200);
    return { type: FRAME.DATA, flags: FLAG.PADDED | (isEnd ? FLAG.END_STREAM : 0), id, payload: Buffer.concat([Buffer.from([padding]), message, Buffer.alloc(padding)]) };
  }

  #trailers(): Frame[] {
    const id = this.#anyId();
    if (this.#streams.get(id) === 'open') this.#streams.set(id, 'ended');
    return this.#block(id, [['x-trailer', 'y']], this.#chance.is(0.95));
  }

  #reset(): Frame {
    const id = this.#anyId();
    this.#streams.set(id, 'reset');
    return { type: FRAME.RST_STREAM, flags: 0, id, payload: u32(this.#chance.one(CODES)) };
  }

  #setting(): Buffer {
    const chance = this.#chance;
    const id = chance.is(0.7) ? SETTING.INITIAL_WINDOW_SIZE : 1 + chance.below(9);
    const value = id === SETTING.INITIAL_WINDOW_SIZE ? chance.one(WINDOWS.slice(0, chance.is(0.99) ? 7 : 8)) : id === SETTING.MAX_FRAME_SIZE ? 16_384 + chance.below(1000) : chance.below(2);
    return Buffer.concat([Buffer.from([0, id]), u32(value)]);
  }

  /** Mostly of a stream that is open as far as the client goes. */
  #anyId(): number {
    const chance = this.#chance;
    const ids = [...this.#streams].filter(([, half]) => half === 'open' || chance.is(0.1)).map(([id]) => id);
    return ids.length === 0 ? 1 : chance.one(ids);
  }

  /** What ends a connection, or nearly. */
  #wrong(): Frame {
    const chance = this.#chance;
    const type = chance.below(10);
    return { type, flags: chance.below(256), id: chance.one([0, 1, 2, this.#anyId(), this.#nextId + 10]), payload: Buffer.alloc(chance.one([0, 4, 5, 6, 8, 100]), chance.below(256)) };
  }
}
