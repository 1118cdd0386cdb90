import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODE } from '#src/http2/constants.js';
import { ConnectionError } from '#src/http2/connection-error.js';
import { Decoder } from '#src/http2/hpack/decoder.js';
import { decodeLiteralField, isContextFree, skipZeroSizeUpdate, walkFields } from '#src/http2/hpack/walk.js';
import { decodeFields, randomFields, writeBlock } from '../../../support/header-fields.js';
import { randomFrom } from '../../../support/random.js';

const COMPRESSION_ERROR = { name: 'ConnectionError', code: ERROR_CODE.COMPRESSION_ERROR };
/** Every kind of field that needs no dynamic table, with Huffman strings and without. */
const KINDS = [
  '83', 'bd', '5886a8eb10649cbf', '408825a849e95ba97d7f8925a849e95bb8e8b4bf', '4001610162', '0001610162', '1001610162',
  '0f080162', '1f080162', '0f080162', '00000162', '00016100',
];

function walk(block: Buffer): [number, number][] {
  const places: [number, number][] = [];
  walkFields(block, 0, block.length, (start, end) => {
    places.push([start, end]);
  });
  return places;
}

function skip(hex: string): number {
  const block = Buffer.from(`ff${hex}ff`, 'hex');
  return skipZeroSizeUpdate(block, 1, block.length - 1) - 1;
}

test('finds each field where it lies, of every kind', () => {
  const fields = KINDS.map((hex) => Buffer.from(hex, 'hex'));
  const block = Buffer.concat(fields);
  let at = 0;
  const expected = fields.map((field) => [at, (at += field.length)]);
  assert.deepEqual(walk(block), expected);
});

test('a field that was found decodes to what a decoder makes of it', () => {
  const random = randomFrom(9);
  for (let round = 0; round < 300; round += 1) {
    const block = writeBlock(randomFields(random));
    const fields = walk(block).map(([start, end]) => decodeLiteralField(block, start, end));
    assert.deepEqual(fields.map(({ name, value, neverIndexed }) => [name, value, neverIndexed]), decodeFields(new Decoder(0), block));
  }
});

test('decodes names and values that are Huffman coded', () => {
  const block = Buffer.from('408825a849e95ba97d7f8925a849e95bb8e8b4bf', 'hex');
  assert.deepEqual(decodeLiteralField(block, 0, block.length), { name: 'custom-key', value: 'custom-value', neverIndexed: false });
});

test('a block is free of context when a decoder reads it alike with any table, and its table stays as it is', () => {
  const free = (...hex: string[]): boolean => {
    const block = Buffer.from(`ff${hex.join('')}ff`, 'hex');
    return isContextFree(block, 1, block.length - 1);
  };
  const kinds = ['', '82', 'bd', '0001610162', '1001610162', '0f080162', '0f2e0162', '0002616202ffff'];
  for (const kind of kinds) assert.equal(free('83', kind, '86'), true, kind);
  // Of a table, for a table, about a table; and what none has.
  const others = ['be', 'ff00', '4001610162', '500162', '7e0162', '20', '3fe11f', '0f2f0162', '1f2f0162', '80'];
  for (const kind of others) assert.equal(free('83', kind, '86'), false, kind);
  for (const broken of ['ff', '0f', '000161', '00016105', '0003']) assert.throws(() => free(broken), COMPRESSION_ERROR, broken);
});

test('stops when the visitor has seen enough, and does not look at the rest', () => {
  const block = Buffer.from('8386be', 'hex');
  let seen = 0;
  walkFields(block, 0, block.length, () => {
    seen += 1;
    return seen < 2;
  });
  assert.equal(seen, 2);
});

test('an index of the dynamic table, index 0 and a size update are errors', () => {
  for (const hex of ['be', '83be', '7e0161', '0f2f0161', '1f2f0161', '80', '20', '8320', '3fe11f']) {
    assert.throws(() => walk(Buffer.from(hex, 'hex')), COMPRESSION_ERROR, hex);
  }
  assert.equal(walk(Buffer.from('bd', 'hex')).length, 1, 'the last of the static table');
});

test('a block that ends within a field is an error', () => {
  for (const hex of ['00', '0001', '000161', '00016102', '0001610262', '0f', '44', 'ff', '007f8080808080']) {
    assert.throws(() => walk(Buffer.from(hex, 'hex')), COMPRESSION_ERROR, hex);
  }
});

test('size updates are skipped when they leave the table at 0, else not', () => {
  assert.equal(skip('2083'), 1);
  assert.equal(skip('3fe11f2083'), 4);
  assert.equal(skip('20'), 1);
  assert.equal(skip('202083'), 2);
  assert.equal(skip('203fe11f83'), 0);
  assert.equal(skip('3fe11f83'), 0);
  assert.equal(skip('83'), 0);
  assert.equal(skip(''), 0);
  assert.throws(() => skip('3f'), COMPRESSION_ERROR, 'and no octet behind the block is read');
});

test('a block that was tampered with is walked or refused, and what is found decodes or is refused', () => {
  const random = randomFrom(13);
  let refused = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const block = writeBlock(randomFields(random));
    for (let change = 0; change <= random() * 4; change += 1) {
      block[Math.floor(random() * block.length)] = Math.floor(random() * 256);
    }
    try {
      let last = 0;
      for (const [start, end] of walk(block)) {
        assert.equal(start, last);
        assert.ok(end > start && end <= block.length);
        last = end;
        decodeLiteralField(block, start, end);
      }
      assert.equal(last, block.length);
    } catch (error) {
      assert.ok(error instanceof ConnectionError);
      assert.equal(error.code, ERROR_CODE.COMPRESSION_ERROR);
      refused += 1;
    }
  }
  assert.ok(refused > 1000, `${refused}`);
});
