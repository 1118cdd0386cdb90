import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, mock, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import type { DaemonError } from '#src/shared/errors.js';
import { readSignatureData } from '#src/config/signature-data.js';
import { SignatureRules } from '#src/worker/calls/signature-rules.js';

type Data = Parameters<typeof readSignatureData>[0];

/** Does metadata with these fields satisfy rules made of that? Several values of a field come joined, as node joins them. */
function accepts(data: Data, fields: Readonly<Record<string, readonly string[]>>): boolean {
  const metadata = new grpc.Metadata();
  for (const [key, values] of Object.entries(fields)) metadata.set(key, values.join(', '));
  return new SignatureRules(readSignatureData(data)).accept(metadata);
}

const one = (value: string): Data => ({ key: { values: [value] } });

describe('signature rules', () => {
  test('demand the exact value', () => {
    assert.equal(accepts(one('right'), { key: ['right'] }), true);
    for (const wrong of ['', 'righ', 'rightt', 'Right', ' right', 'right ', 'xright', 'wrong']) {
      assert.equal(accepts(one('right'), { key: [wrong] }), false, wrong);
    }
    assert.equal(accepts(one('right'), {}), false);
    assert.equal(accepts(one('right'), { other: ['right'] }), false);
  });

  test('demand every pair, and mind no others', () => {
    const data: Data = { a: { values: ['1'] }, b: { values: ['2'] } };
    assert.equal(accepts(data, { a: ['1'], b: ['2'] }), true);
    assert.equal(accepts(data, { a: ['1'], b: ['2'], c: ['3'] }), true);
    assert.equal(accepts(data, { a: ['1'] }), false);
    assert.equal(accepts(data, { a: ['1'], b: ['3'] }), false);
    assert.equal(accepts(data, { a: ['2'], b: ['1'] }), false);
  });

  test('take keys in any case', () => {
    assert.equal(accepts({ 'X-Key': { values: ['v'] } }, { 'x-key': ['v'] }), true);
  });

  test('accept any of several values, so that a secret can be rotated', () => {
    const data: Data = { key: { values: ['new', 'old'] } };
    assert.equal(accepts(data, { key: ['new'] }), true);
    assert.equal(accepts(data, { key: ['old'] }), true);
    assert.equal(accepts(data, { key: ['older'] }), false);
  });

  test('accept a field that came several times when one of them is right', () => {
    for (const values of [['right', 'x'], ['x', 'right'], ['x', 'right', 'y']]) {
      assert.equal(accepts(one('right'), { key: values }), true, values.join());
    }
    assert.equal(accepts(one('right'), { key: ['x', 'y'] }), false);
    assert.equal(accepts(one('right'), { key: ['rig', 'ht'] }), false);
  });

  test('accept a value that itself holds what node joins with', () => {
    assert.equal(accepts(one('a, b'), { key: ['a, b'] }), true);
    assert.equal(accepts(one('a, b'), { key: ['x', 'a, b', 'y'] }), true);
    assert.equal(accepts(one('a, b'), { key: ['a'] }), false);
    assert.equal(accepts(one('a, b'), { key: ['a', 'x', 'b'] }), false);
  });

  test('accept everything when nothing is demanded', () => {
    assert.equal(accepts({}, {}), true);
  });

  test('compare all bytes of all accepted values of all keys, wherever a guess differs and however long it is', () => {
    const compare = mock.method(crypto, 'timingSafeEqual');
    const data: Data = { a: { values: ['first-value', 'second'] }, b: { values: ['third'] } };
    const work = (a: string, b: string): number[] => {
      compare.mock.resetCalls();
      accepts(data, { a: [a], b: [b] });
      return compare.mock.calls.map(({ arguments: [guess, secret] }) => {
        assert.equal(guess.byteLength, secret.byteLength);
        return secret.byteLength;
      });
    };
    const all = ['first-value', 'second', 'third'].map((value) => value.length);
    for (const guess of ['first-value', 'second', 'first-valuX', 'Xirst-value', 'f', 'x'.repeat(5000)]) {
      for (const other of ['third', 'x', 'thirdx']) assert.deepEqual(work(guess, other), all, `${guess} ${other}`);
    }
    mock.restoreAll();
  });
});

describe('values in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signature-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = (content: string): Data => {
    const path = join(folder, 'secret');
    writeFileSync(path, content);
    return { key: { file: path } };
  };
  const refuses = (data: Data, pattern: RegExp): void => {
    assert.throws(() => readSignatureData(data), (error: DaemonError) => {
      assert.equal(error.code, 'E_CONFIG_VALUE');
      assert.match(error.message, pattern);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  };

  test('are one a line, without the end of the line', () => {
    for (const content of ['new\nold\n', 'new\nold', 'new\r\nold\r\n', '\nnew\n\nold\n']) {
      assert.equal(accepts(file(content), { key: ['new'] }), true);
      assert.equal(accepts(file(content), { key: ['old'] }), true);
      assert.equal(accepts(file(content), { key: ['other'] }), false);
    }
  });

  test('that is empty, missing or unreadable is an error that names key and path', () => {
    refuses(file(''), /^signatureData\.key: .*\/secret is empty$/);
    refuses(file('\n\n'), /is empty$/);
    refuses({ key: { file: join(folder, 'missing') } }, /^signatureData\.key: .*\/missing cannot be read \(ENOENT\)$/);
    refuses({ key: { file: folder } }, /cannot be read \(EISDIR\)$/);
  });

  test('that this user may not read is an error', () => {
    const data = file('hunter2');
    chmodSync(join(folder, 'secret'), 0);
    // The tests may well run as root, who may read everything.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) {
      chmodSync(folder, 0o755);
      process.seteuid?.(65_534);
    }
    try {
      refuses(data, /cannot be read \(EACCES\)$/);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  test('that no client can send are an error, which does not show them', () => {
    for (const value of ['hunter2 ', ' hunter2', 'hunter2\t', 'hünter2', '']) {
      refuses({ key: { values: [value] } }, /^signatureData\.key holds a value that no client can send/);
    }
    refuses(file('hünter2\n'), /^signatureData\.key: .*\/secret holds a value that no client can send/);
  });
});
