import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Decoder } from '#src/http2/hpack/decoder.js';
import { decodeFields, randomFields, writeBlock, type Field } from '../../../support/header-fields.js';
import { ROOT } from '../../../support/paths.js';
import { skipUnless } from '../../../support/peers.js';
import { randomFrom } from '../../../support/random.js';

const BLOCKS = 400;
const skip = skipUnless('python-hpack');

function ask(request: object): unknown {
  const output = execFileSync('/usr/bin/python3', [`${ROOT}test/peers/python/hpack_peer.py`], { input: JSON.stringify(request) });
  return JSON.parse(output.toString());
}

function lists(seed: number): [string, string, boolean][][] {
  const random = randomFrom(seed);
  // The package indexes a secret that is in its table already, so no value of one comes twice.
  const complete = ([name, value, isSecret = false]: Field): [string, string, boolean] => [name, isSecret ? `${random()}` : value, isSecret];
  return Array.from({ length: BLOCKS }, () => randomFields(random).map(complete));
}

test('decodes what the Python package hpack encodes, through changes of its table', { skip }, () => {
  const fields = lists(31);
  const sizes = { 50: 100, 100: 0, 150: 4096, 200: 1000 };
  const blocks = ask({ encode: fields, sizes }) as string[]; // The program's answer.
  const decoder = new Decoder(4096);
  const limits = blocks.map((block, index) => {
    assert.deepEqual(decodeFields(decoder, Buffer.from(block, 'hex')), fields[index]);
    return decoder.tableLimit;
  });
  assert.deepEqual([49, 50, 100, 150, 200].map((index) => limits[index]), [4096, 100, 0, 4096, 1000]);
});

test('the Python package hpack decodes what is encoded here without any table', { skip }, () => {
  const fields = lists(32);
  const decoded = ask({ decode: fields.map((list) => writeBlock(list).toString('hex')) });
  assert.deepEqual(decoded, fields);
});
