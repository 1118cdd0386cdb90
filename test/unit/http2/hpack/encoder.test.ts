import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder } from '#src/http2/hpack/decoder.js';
import { BlockWriter, encodeField } from '#src/http2/hpack/encoder.js';
import { STATIC_NAMES, STATIC_VALUES } from '#src/http2/hpack/static-table.js';
import { walkFields } from '#src/http2/hpack/walk.js';
import { decodeFields, randomFields, writeBlock } from '../../../support/header-fields.js';
import { randomFrom } from '../../../support/random.js';

test('every field of the static table is one octet, its index', () => {
  for (let index = 1; index < STATIC_NAMES.length; index += 1) {
    assert.deepEqual([...encodeField(STATIC_NAMES[index] ?? '', STATIC_VALUES[index] ?? '', false)], [0x80 | index]);
  }
});

test('a name of the static table is an index, and the value plain', () => {
  assert.equal(encodeField(':status', '418', false).toString('hex'), '0803343138');
  assert.equal(encodeField('content-type', 'a', false).toString('hex'), '0f100161');
  assert.equal(encodeField('x', 'y', false).toString('hex'), '0001780179');
});

test('a field that must never be indexed never is, not even as one of the static table', () => {
  assert.equal(encodeField(':method', 'GET', true).toString('hex'), '1203474554');
  assert.equal(encodeField('authorization', 'a', true).toString('hex'), '1f080161');
  assert.equal(encodeField('x', 'y', true).toString('hex'), '1001780179');
});

test('what was written comes back, touches no dynamic table, and may be walked', () => {
  const random = randomFrom(5);
  const decoder = new Decoder(4096);
  for (let round = 0; round < 500; round += 1) {
    const fields = randomFields(random, '\x00aZ9 \x7f\x80\xe9\xff');
    const block = writeBlock(fields);
    assert.deepEqual(decodeFields(decoder, block), fields.map(([name, value, neverIndexed = false]) => [name, value, neverIndexed]));
    assert.equal(decoder.tableCount, 0);
    let count = 0;
    walkFields(block, 0, block.length, () => {
      count += 1;
    });
    assert.equal(count, fields.length);
  }
});

test('a writer grows with a block, and starts anew after each', () => {
  const writer = new BlockWriter();
  const value = 'v'.repeat(100_000);
  writer.add('x', '1');
  writer.add('y', value);
  const first = writer.take();
  writer.add('z', '2');
  assert.deepEqual(decodeFields(new Decoder(0), writer.take()), [['z', '2', false]]);
  assert.deepEqual(decodeFields(new Decoder(0), first), [['x', '1', false], ['y', value, false]]);
  assert.equal(writer.take().length, 0);
});
