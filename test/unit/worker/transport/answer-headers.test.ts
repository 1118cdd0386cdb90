import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerEncoder } from '#src/worker/transport/lean/answer-headers.js';
import { fieldsOf } from '../../../support/link-client.js';

const USUAL = { ':status': 200, 'content-type': 'application/grpc+proto', 'grpc-encoding': 'identity' };

test('equal headers are encoded once, whatever object they come in', () => {
  const answers = new AnswerEncoder();
  const first = answers.headers({ ...USUAL });
  assert.equal(answers.headers({ ...USUAL }), first);
  assert.deepEqual(fieldsOf(first), [[':status', '200'], ['content-type', 'application/grpc+proto'], ['grpc-encoding', 'identity']]);
});

test('headers that differ in a name, a value, their number or their order are not taken for the same', () => {
  const answers = new AnswerEncoder();
  const variants = [
    { a: '1', b: '2' }, { a: '1', b: '3' }, { a: '1', c: '2' }, { b: '2', a: '1' }, { a: '1' }, { a: '1', b: '2', c: '3' }, {},
  ];
  for (let round = 0; round < 3; round += 1) {
    for (const headers of variants) assert.deepEqual(fieldsOf(answers.trailers(headers)), Object.entries(headers));
  }
});

test('the usual answer stays remembered between hundreds of others', () => {
  const answers = new AnswerEncoder();
  const usual = answers.trailers({ 'grpc-status': 0, 'grpc-message': 'OK' });
  for (let index = 0; index < 300; index += 1) {
    answers.trailers({ 'grpc-status': 0, 'grpc-message': 'OK', id: `${index}` });
    assert.equal(answers.trailers({ 'grpc-status': 0, 'grpc-message': 'OK' }), usual);
  }
});

test('pseudo-headers go first, numbers are printed, fields with several values repeated, those without left out', () => {
  const block = new AnswerEncoder().headers({ 'grpc-status': 5, 'grpc-message': '', ':status': 200, a: ['x', 'y'], b: undefined, c: [] });
  assert.deepEqual(fieldsOf(block), [[':status', '200'], ['grpc-status', '5'], ['grpc-message', ''], ['a', 'x'], ['a', 'y']]);
});

test('arrays are not remembered, for they may change', () => {
  const answers = new AnswerEncoder();
  const values = ['x'];
  answers.headers({ a: values });
  values.push('y');
  assert.deepEqual(fieldsOf(answers.headers({ a: values })), [['a', 'x'], ['a', 'y']]);
});

const UNSENDABLE: Record<string, Record<string, string>> = {
  'a line break in a value': { a: 'b\r\nc: d' },
  'a NUL in a value': { a: 'b\0' },
  'a character above 255': { a: 'ł' },
  'white space at the end': { a: 'b ' },
  'upper case in a name': { A: 'b' },
  'a space in a name': { 'a b': 'c' },
  'a field of the connection': { connection: 'close' },
};
for (const [name, headers] of Object.entries(UNSENDABLE)) {
  test(`what cannot be sent is left out: ${name}`, () => {
    assert.deepEqual(fieldsOf(new AnswerEncoder().headers({ ok: '1', ...headers })), [['ok', '1']]);
  });
}

test('a message of gRPC is percent-encoded when it is not printable, and left as it is when it is', () => {
  const answers = new AnswerEncoder();
  const encoded = (message: string): string | undefined => fieldsOf(answers.trailers({ 'grpc-message': message }))[0]?.[1];
  assert.equal(encoded('100%25 done'), '100%25 done');
  assert.equal(encoded('größe'), 'gr%C3%B6%C3%9Fe');
  assert.equal(encoded('a\nb'), 'a%0Ab');
  assert.equal(encoded('a '), 'a%20');
  assert.equal(encoded('\ud800'), '%EF%BF%BD');
});
