import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODE } from '#src/http2/constants.js';
import { Cursor, INTEGER_ROOM, readInteger, writeInteger } from '#src/http2/hpack/integer.js';

const COMPRESSION_ERROR = { name: 'ConnectionError', code: ERROR_CODE.COMPRESSION_ERROR };

function read(bytes: readonly number[], mask = 0x1f): { value: number; at: number } {
  const cursor = new Cursor(Buffer.from(bytes), 0, bytes.length);
  return { value: readInteger(cursor, mask), at: cursor.at };
}

test('an integer comes back in every prefix, within its room, and the other bits stay', () => {
  const values = [0, 1, 14, 15, 16, 30, 31, 32, 62, 63, 126, 127, 128, 254, 255, 256, 16_383, 2 ** 21, 2 ** 28, 2 ** 31, 2 ** 32 - 1];
  for (const mask of [0x0f, 0x1f, 0x3f, 0x7f]) {
    for (const value of values) {
      const target = Buffer.alloc(INTEGER_ROOM);
      const flags = ~mask & 0xff;
      const end = writeInteger(target, 0, flags, mask, value);
      assert.ok(end <= INTEGER_ROOM);
      assert.equal((target[0] ?? 0) & flags, flags);
      assert.deepEqual(read([...target.subarray(0, end)], mask), { value, at: end });
    }
  }
});

test('an integer above 2^32-1 is an error', () => {
  assert.equal(read([0x1f, 0xe0, 0xff, 0xff, 0xff, 0x0f]).value, 2 ** 32 - 1);
  assert.throws(() => read([0x1f, 0xe1, 0xff, 0xff, 0xff, 0x0f]), COMPRESSION_ERROR);
  assert.throws(() => read([0x1f, 0xff, 0xff, 0xff, 0xff, 0x7f]), COMPRESSION_ERROR);
});

test('an integer with more than five octets behind the prefix is an error, even of zeros', () => {
  assert.equal(read([0x1f, 0x80, 0x80, 0x80, 0x80, 0x00]).value, 31);
  assert.throws(() => read([0x1f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), COMPRESSION_ERROR);
});

test('an integer that the block cuts off is an error', () => {
  for (const bytes of [[], [0x1f], [0x1f, 0x80], [0x1f, 0xff, 0xff]]) assert.throws(() => read(bytes), COMPRESSION_ERROR);
});
