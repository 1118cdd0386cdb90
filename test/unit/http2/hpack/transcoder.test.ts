import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODE } from '#src/http2/constants.js';
import { Decoder } from '#src/http2/hpack/decoder.js';
import { Transcoder } from '#src/http2/hpack/transcoder.js';
import { decodeFields } from '../../../support/header-fields.js';
import { randomFrom } from '../../../support/random.js';

const INSERT = (name: string, value: string): Buffer => Buffer.from(`\x40\x01${name}\x01${value}`, 'latin1');

function transcode(transcoder: Transcoder, block: Buffer): Buffer {
  const padded = Buffer.concat([Buffer.from('ab'), block, Buffer.from('c')]);
  return transcoder.transcode(padded, 2, 2 + block.length);
}

test('says the same as the client did, block by block, without any table, whatever it remembers', () => {
  const random = randomFrom(17);
  const plain = new Decoder(200);
  const transcoder = new Transcoder(new Decoder(200));
  const pick = (text: string): string => text.charAt(Math.floor(random() * text.length));
  let again = 0;
  let recent: Buffer[] = [];
  const results = new Set<Buffer>();
  for (let round = 0; round < 20_000; round += 1) {
    // To 0 and back to 200, which leaves nothing in it.
    const update = random() < 0.01 ? [Buffer.from([0x20, 0x3f, 0xa9, 0x01])] : [];
    const count = update.length === 0 ? plain.tableCount : 0;
    const fields = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
      if (random() < 0.02) return INSERT(pick('abc'), pick('xyz'));
      if (random() < 0.05) return Buffer.from(`\x10\x01${pick('abc')}\x01${pick('xyz')}`, 'latin1');
      return Buffer.from([0x80 | Math.max(1, Math.floor(random() * (62 + count)))]);
    });
    // Mostly one of the last few again, for that is what is remembered.
    const old = update.length > 0 ? undefined : recent[Math.floor(random() * 10)];
    const block = old ?? Buffer.concat([...update, ...fields]);
    recent = update.length > 0 ? [] : [block, ...recent].slice(0, 6);
    const result = transcode(transcoder, block);
    assert.deepEqual(decodeFields(new Decoder(0), result), decodeFields(plain, block));
    if (results.has(result)) again += 1;
    results.add(result);
  }
  assert.ok(again > 1000, `${again}`);
});

test('a block that comes again is not decoded again', () => {
  const transcoder = new Transcoder(new Decoder(4096));
  transcode(transcoder, INSERT('a', 'x'));
  const blocks = [[0xbe], [0xbe, 0x83], [0x82]].map((bytes) => Buffer.from(bytes));
  const results = blocks.map((block) => transcode(transcoder, block));
  blocks.forEach((block, index) => assert.equal(transcode(transcoder, block), results[index]));
});

test('after the table has changed, the same block means something else', () => {
  const transcoder = new Transcoder(new Decoder(4096));
  const newest = Buffer.from([0xbe]);
  for (const value of ['x', 'y', 'z']) {
    transcode(transcoder, INSERT('a', value));
    assert.deepEqual(decodeFields(new Decoder(0), transcode(transcoder, newest)), [['a', value, false]]);
  }
  transcode(transcoder, Buffer.from([0x20, 0x82]));
  assert.throws(() => transcode(transcoder, newest), { code: ERROR_CODE.COMPRESSION_ERROR });
});

test('a block that inserts is decoded each time', () => {
  const decoder = new Decoder(4096);
  const transcoder = new Transcoder(decoder);
  for (let count = 1; count < 5; count += 1) {
    transcode(transcoder, INSERT('a', 'x'));
    assert.equal(decoder.tableCount, count);
  }
});

test('a list that is too large is told each time, and the next one is not', () => {
  const transcoder = new Transcoder(new Decoder(4096, 100));
  transcode(transcoder, INSERT('a', 'x'));
  const small = Buffer.from([0xbe]);
  const large = Buffer.from([0xbe, 0xbe, 0xbe]);
  transcode(transcoder, small);
  for (let round = 0; round < 3; round += 1) {
    transcode(transcoder, large);
    assert.equal(transcoder.overflowed, true);
    assert.deepEqual(decodeFields(new Decoder(0), transcode(transcoder, small)), [['a', 'x', false]]);
    assert.equal(transcoder.overflowed, false);
  }
});

test('nothing of a broken block gets into the next one', () => {
  const broken = Buffer.concat([INSERT('a', 'x'), Buffer.from([0x80])]);
  assert.throws(() => transcode(new Transcoder(new Decoder(4096)), broken), { code: ERROR_CODE.COMPRESSION_ERROR });
  assert.deepEqual(decodeFields(new Decoder(0), transcode(new Transcoder(new Decoder(4096)), Buffer.from([0x82]))), [[':method', 'GET', false]]);
});
