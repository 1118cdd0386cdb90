import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HUFFMAN_CODES } from '#src/http2/hpack/huffman-code.js';
import { isObservingCall } from '#src/router/observing-call.js';
import { block } from '../../support/link-client.js';

const isHealth = (bytes: Buffer): boolean => isObservingCall(Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')]), 2, 2 + bytes.length);
const PATH = '/grpc.health.v1.Health/Check';

/** `:path` as a literal with a plain or Huffman value (RFC 7541 appendix B), and its name by index or in full. */
const literal = (name: Buffer, value: Buffer, huffman = false): Buffer => Buffer.concat([name, Buffer.from([(huffman ? 0x80 : 0) | value.length]), value]);
const BY_INDEX_4 = Buffer.from([0x04]);
const BY_INDEX_5 = Buffer.from([0x45]);
const IN_FULL = Buffer.concat([Buffer.from([0x10, 5]), Buffer.from(':path')]);

function huffman(text: string): Buffer {
  const bits = Array.from(Buffer.from(text), (symbol) => {
    const found = HUFFMAN_CODES.find((code) => code.symbol === symbol);
    return (found?.code ?? 0).toString(2).padStart(found?.bits ?? 0, '0');
  }).join('');
  const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return Buffer.from(whole.match(/.{8}/g)?.map((octet) => Number.parseInt(octet, 2)) ?? []);
}

test('a health call is known by its path, wherever among the pseudo-headers and however written', () => {
  const method = Buffer.from([0x83]);
  for (const name of [BY_INDEX_4, BY_INDEX_5, IN_FULL]) {
    assert.equal(isHealth(Buffer.concat([method, literal(name, Buffer.from(PATH)), Buffer.from([0x86])])), true);
    assert.equal(isHealth(Buffer.concat([literal(name, Buffer.from('/test.Calls/unary')), method])), false);
  }
});

test('also when its path is Huffman coded', () => {
  assert.equal(isHealth(literal(BY_INDEX_4, huffman(PATH), true)), true);
  assert.equal(isHealth(literal(BY_INDEX_4, huffman('/a.B/c'), true)), false);
});

test('a field that comes after the pseudo-headers, or is another of them, makes no health call', () => {
  assert.equal(isHealth(block([[':method', 'POST'], ['te', 'trailers'], [':path', PATH]])), false);
  assert.equal(isHealth(block([[':method', 'POST'], [':path', '/a.B/c'], ['x', PATH]])), false);
  assert.equal(isHealth(block([[':authority', PATH]])), false);
});

test('a service whose name only begins alike is none', () => {
  assert.equal(isHealth(block([[':path', '/grpc.health.v1.HealthX/Check']])), false);
  assert.equal(isHealth(block([[':path', '/']])), false);
  assert.equal(isHealth(Buffer.alloc(0)), false);
});
