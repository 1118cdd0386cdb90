// RFC 7541: header blocks that are wrong, in both lanes of src/front/header-lane.ts.
import { FLAG, FRAME } from '#src/http2/constants.js';
import { INTEGER_ROOM, writeInteger } from '#src/http2/hpack/integer.js';
import type { RawClient } from '../raw-client.js';
import { CALL, callWith, MOST_METADATA, type Row } from './row.js';

const bytes = (...octets: readonly number[]): Buffer => Buffer.from(octets);

function integer(flags: number, mask: number, value: number): Buffer {
  const target = Buffer.alloc(INTEGER_ROOM + 1);
  return target.subarray(0, writeInteger(target, 0, flags, mask, value));
}

const EMPTY_TABLE = bytes(0x20);
/** `x: y` as a literal that is not indexed, with the octets given for its value. */
const literal = (...value: readonly number[]): Buffer => bytes(0, 1, 120, ...value);
/** A field that goes into the table. */
const indexed = (name: string, value: string): Buffer =>
  Buffer.concat([bytes(0x40), integer(0, 0x7f, name.length), Buffer.from(name), integer(0, 0x7f, value.length), Buffer.from(value)]);

/** Section, what is wrong with a block, and the octets behind those of a good call. */
const BROKEN: readonly (readonly [string, string, Buffer])[] = [
  ['2.3.3', 'index 0', bytes(0x80)],
  ['2.3.3', 'an index behind both tables', bytes(0xff, 100)],
  ['2.3.3', 'index 62 of an empty table', bytes(0x80 | 62)],
  ['2.3.3', 'an index of 2^28', integer(0x80, 0x7f, 2 ** 28)],
  ['6.2.1', 'a name of index 200', Buffer.concat([integer(0x40, 0x3f, 200), bytes(1, 121)])],
  ['6.2.2', 'a name of index 200, not indexed', Buffer.concat([integer(0, 0x0f, 200), bytes(1, 121)])],
  ['6.2.3', 'a name of index 200, never indexed', Buffer.concat([integer(0x10, 0x0f, 200), bytes(1, 121)])],
  ['4.2', 'a size update behind a field', bytes(0x20)],
  ['4.2', 'a size update between fields', bytes(0x20, 0, 1, 120, 1, 121)],
  ['5.1', 'an integer that is cut off', bytes(0xff)],
  ['5.1', 'an integer whose last octet says that more follows', bytes(0xff, 0x80, 0x80)],
  ['5.1', 'an index above 2^32-1', bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)],
  ['5.1', 'an integer of octets that add nothing', bytes(0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00)],
  ['5.1', 'a length above 2^32-1', literal(0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)],
  ['5.2', 'a name longer than the block', bytes(0, 100, 120)],
  ['5.2', 'a value longer than the block', literal(100, 121)],
  ['5.2', 'a name and no value', bytes(0, 1, 120)],
  ['5.2', 'a Huffman string padded with zeros', literal(0x81, 0b1111_0100)],
  ['5.2', 'a Huffman string padded with 8 ones', literal(0x82, 0b0001_1111, 0xff)],
  ['5.2', 'a Huffman string of padding alone', literal(0x81, 0xff)],
  ['5.2', 'EOS in a Huffman string', literal(0x84, 0xff, 0xff, 0xff, 0xff)],
  ['5.2', 'EOS behind a letter of a Huffman string', literal(0x85, 0b0001_1111, 0xff, 0xff, 0xff, 0xff)],
  ['5.2', 'a Huffman string that ends inside a code', literal(0x81, 0b1111_1110)],
];

const GOOD: readonly (readonly [string, string, Buffer])[] = [
  ['5.2', 'an empty Huffman string', literal(0x80)],
  ['5.2', 'a Huffman string with 7 bits of padding', literal(0x83, 0x18, 0xee, 0x7f)],
  ['6.2.3', 'a field that is never indexed', bytes(0x10, 1, 120, 1, 121)],
  ['5.1', 'a length in more octets than it needs', literal(0x7f, 0x80, 0x80, 0x00, ...new Array<number>(127).fill(121))],
];

/** `fast`: after a block that has emptied the table. Stream 1 is taken then. */
type Lane = 'careful' | 'fast';

function inLane(lane: Lane, send: (client: RawClient, id: number) => unknown): Row['send'] {
  return async (client) => {
    if (lane === 'careful') return send(client, 1);
    callWith(client, 1, Buffer.concat([EMPTY_TABLE, CALL]));
    await client.next(({ type, id, flags }) => type === 'HEADERS' && id === 1 && (flags & FLAG.END_STREAM) !== 0);
    return send(client, 3);
  };
}

const rowsOf = (lane: Lane): Row[] => [
  ...BROKEN.map(([section, what, octets]): Row => ({
    section: `HPACK ${section}`,
    what: `${what}${lane === 'fast' ? ', after it has emptied its table' : ''}`,
    send: inLane(lane, (c, id) => callWith(c, id, Buffer.concat([CALL, octets]))),
    expect: lane === 'fast' ? 'answered; connection COMPRESSION_ERROR' : 'connection COMPRESSION_ERROR',
  })),
  ...GOOD.map(([section, what, octets]): Row => ({
    section: `HPACK ${section}`,
    what: `${what}${lane === 'fast' ? ', after it has emptied its table' : ''}`,
    send: inLane(lane, (c, id) => callWith(c, id, Buffer.concat([CALL, octets]))),
    expect: lane === 'fast' ? 'answered; 3: answered' : 'answered',
  })),
];

const TABLE_IS_4096 = 'it announces a table of 4096 bytes, and we one of 0';
const SIZE_ROWS: readonly Row[] = [
  { section: 'HPACK 4.2', what: 'a size update to 0', expect: 'answered', send: (c) => callWith(c, 1, Buffer.concat([EMPTY_TABLE, CALL])) },
  { section: 'HPACK 4.2', what: 'a size update to 0 twice', expect: 'answered', send: (c) => callWith(c, 1, Buffer.concat([EMPTY_TABLE, EMPTY_TABLE, CALL])) },
  { section: 'HPACK 6.3', what: 'a size update above 4096', expect: 'connection COMPRESSION_ERROR', send: (c) => callWith(c, 1, Buffer.concat([integer(0x20, 0x1f, 4097), CALL])) },
  { section: 'HPACK 6.3', what: 'a size update of 2^32-1', expect: 'connection COMPRESSION_ERROR', send: (c) => callWith(c, 1, Buffer.concat([integer(0x20, 0x1f, 2 ** 32 - 1), CALL])) },
  { section: 'HPACK 6.3', what: 'a size update to 100 after it has acknowledged a table of 0', expect: 'connection COMPRESSION_ERROR',
    send: (c) => callWith(c, 1, Buffer.concat([integer(0x20, 0x1f, 100), CALL])), http2: { expect: 'answered', because: TABLE_IS_4096 } },
  { section: 'HPACK 6.3', what: 'a size update to 100 and then to 0 after it has acknowledged a table of 0', expect: 'connection COMPRESSION_ERROR',
    send: (c) => callWith(c, 1, Buffer.concat([integer(0x20, 0x1f, 100), EMPTY_TABLE, CALL])), http2: { expect: 'answered', because: TABLE_IS_4096 } },
  { section: 'HPACK 6.3', what: 'a size update to 100 after it has emptied its table', expect: 'answered; connection COMPRESSION_ERROR',
    send: inLane('fast', (c, id) => callWith(c, id, Buffer.concat([integer(0x20, 0x1f, 100), CALL]))),
    http2: { expect: 'answered; 3: answered', because: TABLE_IS_4096 } },
  { section: 'HPACK 6.3', what: 'a size update to 100 and then to 0 after it has emptied its table', expect: 'answered; connection COMPRESSION_ERROR',
    send: inLane('fast', (c, id) => callWith(c, id, Buffer.concat([integer(0x20, 0x1f, 100), EMPTY_TABLE, CALL]))),
    http2: { expect: 'answered; 3: answered', because: TABLE_IS_4096 } },
  { section: 'HPACK 4.2', what: 'a size update and nothing else', expect: 'stream PROTOCOL_ERROR', send: (c) => c.frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, EMPTY_TABLE) },
  // A client that goes on with its table although ours is empty: RFC 7541 has it say so first, but many never do.
  { section: 'HPACK 4.2', what: 'fields of its table after it has acknowledged that there is none', expect: 'answered; 3: answered',
    send: (c) => {
      callWith(c, 1, Buffer.concat([CALL, indexed('a', 'b')]));
      callWith(c, 3, Buffer.concat([CALL, bytes(0x80 | 62)]));
    } },
  { section: 'HPACK 2.3.3', what: 'a field that its table has dropped', expect: 'answered; connection COMPRESSION_ERROR',
    send: async (c) => {
      callWith(c, 1, Buffer.concat([CALL, indexed('a', 'b'), indexed('c', 'd'.repeat(4060))]));
      await c.next(({ type, id, flags }) => type === 'HEADERS' && id === 1 && (flags & FLAG.END_STREAM) !== 0);
      callWith(c, 3, Buffer.concat([CALL, bytes(0x80 | 63)]));
    } },
  { section: 'HPACK 4.4', what: 'a field that is larger than its table, which empties it', expect: 'answered; connection COMPRESSION_ERROR',
    send: async (c) => {
      callWith(c, 1, Buffer.concat([CALL, indexed('a', 'b'), indexed('c', 'd'.repeat(5000))]));
      await c.next(({ type, id, flags }) => type === 'HEADERS' && id === 1 && (flags & FLAG.END_STREAM) !== 0);
      callWith(c, 3, Buffer.concat([CALL, bytes(0x80 | 62)]));
    } },
];

/** A block of 12 KiB that means 45 MiB. */
const BOMB = Buffer.concat([CALL, indexed('a', 'b'.repeat(3800)), Buffer.alloc(12_000, 0x80 | 62)]);
/** A block of 12 KiB that means 720 KB, of the static table alone. */
const STATIC_BOMB = Buffer.concat([CALL, Buffer.alloc(12_000, 0x80 | 16)]);
const CALM = { expect: 'stream ENHANCE_YOUR_CALM', because: 'node:http2 takes 128 fields' };
const CALM_3 = { ...CALM, expect: 'answered; 3: stream ENHANCE_YOUR_CALM' };

const BOMB_ROWS: readonly Row[] = [
  { section: 'HPACK 7.3', what: 'a block that its table makes 4000 times as large', expect: 'status 8', send: (c) => callWith(c, 1, BOMB), http2: CALM },
  { section: 'HPACK 7.3', what: 'a block that the static table makes 60 times as large', expect: 'status 8', send: (c) => callWith(c, 1, STATIC_BOMB), http2: CALM },
  { section: 'HPACK 7.3', what: 'a block that the static table makes 60 times as large, after it has emptied its own', expect: 'answered; 3: status 8',
    send: inLane('fast', (c, id) => callWith(c, id, STATIC_BOMB)), http2: CALM_3 },
  { section: 'HPACK 7.3', what: 'a block that is too large, and one that needs what it put into the table', expect: 'status 8; 3: answered',
    send: (c) => {
      callWith(c, 1, Buffer.concat([CALL, indexed('x', 'y'), indexed('z', 'z'.repeat(3000)), Buffer.from([0, 1, 120]), integer(0, 0x7f, MOST_METADATA), Buffer.alloc(MOST_METADATA, 121)]));
      callWith(c, 3, Buffer.concat([CALL, bytes(0x80 | 63)]));
    },
    http2: { expect: 'answered; 3: answered', because: 'node:http2 has no such limit' } },
];

export const HPACK_ROWS: readonly Row[] = [...rowsOf('careful'), ...rowsOf('fast'), ...SIZE_ROWS, ...BOMB_ROWS];
