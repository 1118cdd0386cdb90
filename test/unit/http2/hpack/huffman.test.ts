import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODE } from '#src/http2/constants.js';
import { EOS, HUFFMAN_CODES } from '#src/http2/hpack/huffman-code.js';
import { decodeHuffman } from '#src/http2/hpack/huffman.js';
import { randomFrom } from '../../../support/random.js';

const COMPRESSION_ERROR = { name: 'ConnectionError', code: ERROR_CODE.COMPRESSION_ERROR };

const CODE_OF = new Map(HUFFMAN_CODES.map(({ symbol, code, bits }) => [symbol, code.toString(2).padStart(bits, '0')]));

function encode(text: string): Buffer {
  return Buffer.from(pack(Array.from(text, (character) => CODE_OF.get(character.charCodeAt(0))).join('')));
}

function decode(bytes: Buffer | readonly number[]): string {
  return decodeHuffman(Buffer.from(bytes), 0, bytes.length);
}

/** A string of bits, filled up with ones. */
function pack(bits: string): number[] {
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return (padded.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2));
}

test('the code is complete: every sequence of bits means something, and EOS is thirty ones', () => {
  assert.equal(HUFFMAN_CODES.length, 257);
  assert.equal(new Set(HUFFMAN_CODES.map(({ symbol }) => symbol)).size, 257);
  assert.equal(HUFFMAN_CODES.reduce((sum, { bits }) => sum + 2 ** -bits, 0), 1);
  assert.deepEqual(HUFFMAN_CODES.at(-1), { symbol: EOS, code: 2 ** 30 - 1, bits: 30 });
});

test('every octet, behind any other, comes back', () => {
  for (let first = 0; first < 256; first += 1) {
    const text = Array.from({ length: 256 }, (_, second) => String.fromCharCode(first, second)).join('');
    assert.equal(decode(encode(text)), text);
  }
});

test('strings of any length come back, and longer ones than the common buffer too', () => {
  const random = randomFrom(7);
  for (let length = 0; length < 200; length += 1) {
    const text = Array.from({ length }, () => String.fromCharCode(Math.floor(random() * 128))).join('');
    assert.equal(decode(encode(text)), text);
  }
  const long = 'a'.repeat(100_000);
  assert.equal(decode(encode(long)), long);
});

test('EOS within a string is an error', () => {
  const eos = '1'.repeat(30);
  for (const before of ['', '00011', '00011'.repeat(2), '010100']) {
    for (const after of ['', '00011']) assert.throws(() => decode(pack(before + eos + after)), COMPRESSION_ERROR, before);
  }
  assert.throws(() => decode([...pack(`00011${eos}`), 0xff, 0x1f, 0x00]), COMPRESSION_ERROR, 'and stays one');
});

test('padding is up to seven ones, nothing else', () => {
  assert.equal(decode([0b00011_111]), 'a');
  assert.equal(decode([0b00011_000, 0b11_111111]), 'aa');
  assert.throws(() => decode([0b00011_110]), COMPRESSION_ERROR);
  assert.throws(() => decode([0b00011_000]), COMPRESSION_ERROR);
  assert.throws(() => decode([0b00011_111, 0xff]), COMPRESSION_ERROR, 'eleven ones');
  assert.throws(() => decode([0xff]), COMPRESSION_ERROR, 'eight ones');
});

test('every string of two octets means what the code says bit by bit, or is refused', () => {
  const symbolOf = new Map(Array.from(CODE_OF, ([symbol, bits]) => [bits, symbol]));
  for (let word = 0; word < 2 ** 16; word += 1) {
    let rest = '';
    let expected = '';
    for (const bit of word.toString(2).padStart(16, '0')) {
      rest += bit;
      const symbol = symbolOf.get(rest);
      if (symbol === undefined) continue;
      expected += String.fromCharCode(symbol);
      rest = '';
    }
    const bytes = [word >> 8, word & 0xff];
    if (/^1{0,7}$/.test(rest)) assert.equal(decode(bytes), expected);
    else assert.throws(() => decode(bytes), COMPRESSION_ERROR);
  }
});
