import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODE } from '#src/http2/constants.js';
import { ConnectionError } from '#src/http2/connection-error.js';
import { Decoder } from '#src/http2/hpack/decoder.js';
import { decodeFields, randomFields, tableOf, writeBlock, type Field } from '../../../support/header-fields.js';
import { randomFrom } from '../../../support/random.js';

const COMPRESSION_ERROR = { name: 'ConnectionError', code: ERROR_CODE.COMPRESSION_ERROR };
/** Puts a: b, of 34 bytes, into the table. */
const INSERT_A = '4001610162';

function decode(decoder: Decoder, hex: string): [string, string, boolean][] {
  return decodeFields(decoder, Buffer.from(hex, 'hex'));
}

function refuses(hex: string, why: string): void {
  assert.throws(() => decode(new Decoder(4096), hex), COMPRESSION_ERROR, why);
}

test('an index that is in neither table is an error', () => {
  refuses('80', 'index 0');
  refuses('be', 'the first of an empty dynamic table');
  refuses(`${INSERT_A}bf`, 'the second of one field');
  refuses('7f0001610162', 'a name from there');
  refuses('ff80808080808001', 'an endless index');
});

test('a block that ends within a field is an error', () => {
  for (const hex of ['40', '4001', '400161', '40016102', '4001610262', '0f', '00', '5f', '0005616263', 'ff', '3f']) refuses(hex, hex);
});

test('a size update is an error behind a field, and above the maximum', () => {
  refuses('8220', 'behind a field');
  refuses('3fe21f', '4097');
  const decoder = new Decoder(4096);
  decode(decoder, '3fe11f');
  assert.equal(decoder.tableLimit, 4096);
});

test('several size updates may begin a block, and each evicts', () => {
  const decoder = new Decoder(4096);
  decode(decoder, INSERT_A);
  assert.equal(decoder.tableSize, 34);
  assert.deepEqual(decode(decoder, '203fe11f82'), [[':method', 'GET', false]]);
  assert.equal(decoder.tableSize, 0);
  assert.equal(decoder.tableLimit, 4096);
  assert.throws(() => decode(decoder, 'be'), COMPRESSION_ERROR);
});

test('after the maximum was lowered, a client that does not care keeps its table, and may only make it smaller', () => {
  const decoder = new Decoder(4096);
  decode(decoder, INSERT_A);
  decoder.setMaxTableSize(0);
  assert.deepEqual(decode(decoder, 'be'), [['a', 'b', false]]);
  decode(decoder, '40016301' + '64');
  assert.deepEqual(tableOf(decoder), [['c', 'd'], ['a', 'b']]);
  assert.throws(() => decode(decoder, '21'), COMPRESSION_ERROR);
  decode(decoder, '20');
  assert.equal(decoder.tableLimit, 0);
  assert.equal(decoder.tableCount, 0);
});

test('inserting evicts the oldest, and a field larger than the table empties it', () => {
  const decoder = new Decoder(100);
  for (const name of ['61', '62', '63']) decode(decoder, `4001${name}0178`);
  assert.deepEqual(tableOf(decoder), [['c', 'x'], ['b', 'x']]);
  assert.deepEqual(decode(decoder, `4001647f00${'78'.repeat(127)}`), [['d', 'x'.repeat(127), false]]);
  assert.deepEqual(tableOf(decoder), []);
  assert.equal(decoder.tableSize, 0);
});

test('a field may take its name from the entry that it evicts', () => {
  const decoder = new Decoder(34);
  decode(decoder, INSERT_A);
  assert.deepEqual(decode(decoder, '7e0163'), [['a', 'c', false]]);
  assert.deepEqual(tableOf(decoder), [['a', 'c']]);
});

test('a field that must never be indexed says so, and no other does', () => {
  const fields = decode(new Decoder(4096), '10016101620001610162' + INSERT_A + 'be' + '1f080162');
  assert.deepEqual(fields.map(([, , neverIndexed]) => neverIndexed), [true, false, false, false, true]);
});

test('octets above 127 are latin1', () => {
  assert.deepEqual(decode(new Decoder(0), '000161' + '03e9ff80'), [['a', '\xe9\xff\x80', false]]);
});

test('above the size of a list fields are not passed, but the table stays right', () => {
  const decoder = new Decoder(4096, 100);
  assert.deepEqual(decode(decoder, `${INSERT_A}be`).length, 2);
  assert.equal(decoder.overflowed, false);
  assert.equal(decoder.listSize, 68);
  assert.deepEqual(decode(decoder, `bebe40016301` + `6482`), [['a', 'b', false], ['a', 'b', false]]);
  assert.equal(decoder.overflowed, true);
  assert.equal(decoder.listSize, 34 * 3 + 42);
  assert.deepEqual(tableOf(decoder), [['c', 'd'], ['a', 'b']]);
  assert.equal(decoder.overflowed, false, 'the next block starts anew');
});

test('the table agrees with a plain list through thousands of insertions and size updates', () => {
  const random = randomFrom(11);
  const decoder = new Decoder(4096);
  let list: Field[] = [];
  let limit = 4096;
  const evict = (): void => {
    const size = (field: Field): number => field[0].length + field[1].length + 32;
    while (list.reduce((sum, field) => sum + size(field), 0) > limit) list.pop();
  };
  for (let block = 0; block < 1000; block += 1) {
    const parts: Buffer[] = [];
    if (random() < 0.05) {
      limit = Math.floor(random() * 31) * (random() < 0.5 ? 0 : 1);
      parts.push(Buffer.from([0x20 | limit]));
      evict();
      limit = Math.floor(random() * 4096);
      const rest = limit - 31;
      parts.push(Buffer.from(rest < 0 ? [0x20 | limit] : [0x3f, (rest & 0x7f) | 0x80, rest >> 7]));
      evict();
    }
    for (const [name, value] of randomFields(random)) {
      const length = (text: string): number[] => (text.length < 127 ? [text.length] : [0x7f, ...octets(text.length - 127)]);
      parts.push(Buffer.from([0x40, ...length(name)]), Buffer.from(name), Buffer.from(length(value)), Buffer.from(value));
      list = [[name, value], ...list];
      evict();
    }
    decodeFields(decoder, Buffer.concat(parts));
    assert.deepEqual(tableOf(decoder), list);
    assert.equal(decoder.tableLimit, limit);
  }
});

test('a block that was tampered with is decoded or refused, never anything else', () => {
  const random = randomFrom(3);
  let refused = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const decoder = new Decoder(4096, 1000);
    const block = writeBlock(randomFields(random));
    for (let change = 0; change <= random() * 4; change += 1) {
      block[Math.floor(random() * block.length)] = Math.floor(random() * 256);
    }
    const start = Math.floor(random() * 3);
    try {
      decoder.decode(block, start, block.length - Math.floor(random() * 3), () => undefined);
    } catch (error) {
      assert.ok(error instanceof ConnectionError);
      assert.equal(error.code, ERROR_CODE.COMPRESSION_ERROR);
      refused += 1;
    }
  }
  assert.ok(refused > 1000, `${refused}`);
});

function octets(rest: number): number[] {
  return rest < 128 ? [rest] : [(rest & 0x7f) | 0x80, ...octets(rest >> 7)];
}
