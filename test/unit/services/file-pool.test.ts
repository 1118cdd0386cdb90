import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFile, encodeFile } from '#src/worker/services/descriptors/codec.js';
import { compileProtos } from '#src/worker/services/descriptors/compiler.js';
import { FilePool, type NewFile } from '#src/worker/services/descriptors/file-pool.js';
import { wellKnownFiles } from '#src/worker/services/descriptors/well-known.js';

/** Files by name; imports are among them. */
function group(files: Record<string, string>): NewFile[] {
  const imports = new Map(Object.keys(files).map((name) => [name, name]));
  const sources = Object.entries(files).map(([name, text]) => ({ name, text, imports }));
  return compileProtos(sources, wellKnownFiles()).map((file) => ({ file }));
}

function pool(...groups: readonly NewFile[][]): FilePool {
  const made = new FilePool();
  for (const each of groups) made.add(each);
  return made;
}

test('everything that has a name is found in its file, and nothing else', () => {
  const known = pool(group({
    'p.proto': `package p;
      message M { optional int32 f = 1; oneof o { int32 g = 2; } message N { enum E { A = 0; } } extensions 10 to 20; extend M { optional int32 inner = 11; } }
      enum E { B = 0; }
      extend M { optional int32 x = 10; }
      service S { rpc Do(M) returns (M); }`,
  }));
  for (const name of ['M', 'M.f', 'M.o', 'M.g', 'M.N', 'M.N.E', 'M.N.A', 'M.inner', 'E', 'B', 'x', 'S', 'S.Do']) {
    assert.equal(known.fileOf(`p.${name}`)?.name, 'p.proto', name);
  }
  for (const name of ['p', 'M', 'p.M.h', 'p.E.B', '.p.M', '']) assert.equal(known.fileOf(name), undefined, name);
  assert.deepEqual(known.extensionNumbers('p.M'), [10, 11]);
  assert.equal(known.fileOfExtension('p.M', 11)?.name, 'p.proto');
  assert.equal(known.fileOfExtension('p.M', 12), undefined);
});

test('two files of one name are both kept, and importers get the right one', () => {
  const known = pool(
    group({ 'common.proto': 'package a; message C {}', 'a.proto': 'package a; import "common.proto"; message A { optional C c = 1; }' }),
    group({ 'common.proto': 'package b; message C {}', 'b.proto': 'package b; import "common.proto"; message B { optional C c = 1; }' }),
  );
  assert.deepEqual(known.file('a.proto')?.dependencies, ['common.proto']);
  const [other] = known.file('b.proto')?.dependencies ?? [];
  assert.equal(other, 'common-2.proto');
  const file = known.file('common-2.proto');
  assert.ok(file);
  assert.equal(known.fileOf('b.C'), file);
  const { name, package: packageName } = decodeFile(file.bytes);
  assert.deepEqual([name, packageName], ['common-2.proto', 'b']);
  assert.deepEqual(decodeFile(known.file('b.proto')?.bytes ?? assert.fail()).dependency, ['common-2.proto']);
});

test('a file that was loaded before under another name is not there twice', () => {
  const known = pool(
    group({ 'sub/c.proto': 'package c; message C {}' }),
    group({ 'c.proto': 'package c; message C {}', 'd.proto': 'package c; import "c.proto"; message D { optional C c = 1; }' }),
  );
  assert.equal(known.file('c.proto'), undefined);
  assert.deepEqual(known.file('d.proto')?.dependencies, ['sub/c.proto']);
});

test('encoded files are served byte for byte, whatever they hold', () => {
  const [first] = group({ 'a.proto': 'package a; message A {}' });
  assert.ok(first);
  // An extension of FileDescriptorProto that nobody here knows.
  const bytes = Buffer.concat([encodeFile(first.file), Buffer.from([0xd2, 0xf7, 0x03, 0x01, 0x78])]);
  const known = pool([{ file: decodeFile(bytes), bytes }]);
  assert.deepEqual(known.file('a.proto')?.bytes, bytes);
});
