import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, after, describe, test } from 'node:test';
import { encodeFile } from '#src/worker/services/descriptors/codec.js';
import { compileProtos } from '#src/worker/services/descriptors/compiler.js';
import type { FileDescriptor } from '#src/worker/services/descriptors/file-descriptor.js';
import { wellKnownFiles } from '#src/worker/services/descriptors/well-known.js';
import { readProtoTree } from '#src/worker/services/proto-tree.js';
import { skipUnless } from '../../support/peers.js';
import { describeSet, descriptorSet, schemaNames, SCHEMAS } from '../../support/schemas.js';
import { TempDir } from '../../support/temp-dir.js';

const compile = (text: string, name = 'test.proto'): FileDescriptor => {
  const [file] = compileProtos([{ name, text, imports: new Map() }], wellKnownFiles());
  assert.ok(file);
  return file;
};

describe('descriptors of .proto files', () => {
  const dir = new TempDir();
  after(() => dir[Symbol.dispose]());
  let ours: ReturnType<typeof describeSet>;

  before(() => {
    const files = compileProtos(readProtoTree(schemaNames(), [SCHEMAS]).sources, wellKnownFiles());
    ours = describeSet(dir.write('ours.binpb', set([...wellKnownFiles().values(), ...files])));
  });

  test('are those that buf makes, options included', () => {
    const theirs = describeSet(descriptorSet(dir));
    for (const name of schemaNames()) assert.deepEqual(ours.get(name), theirs.get(name), name);
  });

  test('are those that protoc makes, options included', { skip: skipUnless('protoc') }, () => {
    // protoc reads editions from release 24 on; Debian has 21.
    const names = schemaNames().filter((name) => name !== 'editions.proto');
    const wellKnown = dir.write('google.binpb', set([...wellKnownFiles().values()]));
    const path = dir.join('protoc.binpb');
    const args = [`--descriptor_set_in=${wellKnown}`, `-I${SCHEMAS}`, '--include_imports', `--descriptor_set_out=${path}`];
    execFileSync('protoc', [...args, ...names], { stdio: 'pipe' });
    const theirs = describeSet(path);
    for (const name of names) assert.deepEqual(ours.get(name), theirs.get(name), name);
  });

  test('of google/protobuf that are written out here are those that buf knows', () => {
    const source = [...wellKnownFiles().keys()].map((name) => `import "${name}";`).join('\n');
    using folder = new TempDir();
    folder.write('all.proto', `syntax = "proto3";\n${source}`);
    const theirs = describeSet(folder.path);
    for (const name of ['any', 'duration', 'empty', 'field_mask', 'struct', 'timestamp', 'wrappers']) {
      const path = `google/protobuf/${name}.proto`;
      assert.ok(ours.has(path), path);
      assert.deepEqual(ours.get(path), theirs.get(path));
    }
  });
});

test('a file may use what only its imports import; the descriptor then says that it imports it', () => {
  const imports = (...names: string[]): Map<string, string> => new Map(names.map((name) => [name, name]));
  const [, , top] = compileProtos(
    [
      { name: 'a.proto', text: 'package p; message A {}', imports: imports() },
      { name: 'b.proto', text: 'package p; import "a.proto"; message B { optional A a = 1; }', imports: imports('a.proto') },
      { name: 'c.proto', text: 'package p; import "b.proto"; message C { optional A a = 1; }', imports: imports('b.proto') },
    ],
    wellKnownFiles(),
  );
  assert.ok(top);
  assert.deepEqual(top.dependency, ['b.proto', 'a.proto']);
  assert.equal(top.messageType[0]?.field[0]?.typeName, '.p.A');
});

test('the name of a type means the innermost one, as in C++', () => {
  const { messageType } = compile('package a.b; message X { message X { optional X x = 1; } optional X x = 1; optional .a.b.X y = 2; optional b.X z = 3; }');
  const [outer] = messageType;
  assert.ok(outer);
  assert.deepEqual(outer.field.map(({ typeName }) => typeName), ['.a.b.X.X', '.a.b.X', '.a.b.X']);
  assert.equal(outer.nestedType[0]?.field[0]?.typeName, '.a.b.X.X');
});

test('an option that nobody defines is left out, as protobufjs leaves it', () => {
  const { messageType } = compile('message M { option (no.such) = { a: 1 }; option deprecated = true; option no_such = 1; }');
  assert.deepEqual(Buffer.from(messageType[0]?.options ?? []), Buffer.from([3 << 3, 1]));
});

test('an option whose value does not fit is left out', () => {
  const { messageType } = compile('message M { option deprecated = "x"; option map_entry = { a: 1 }; option (no) = 1.5; }');
  assert.equal(messageType[0]?.options, undefined);
  const { options } = compile('option optimize_for = FASTEST; option java_package = 1; option go_package = "g";');
  assert.deepEqual(Buffer.from(options ?? []).toString('latin1'), 'Z\x01g');
});

test('what is not valid is named with file, line, and what was expected', () => {
  assert.throws(() => compile('syntax = "proto3";\n\nmessage M {\n  string = 1;\n}'), {
    message: 'test.proto, line 4: expected a name, found "="',
  });
  assert.throws(() => compile('message M {'), { message: 'test.proto, line 1: expected a name, found the end of the file' });
  assert.throws(() => compile('message M { optional No m = 1; }'), { message: 'test.proto: "No", used in M, is not defined' });
});

/** FileDescriptorSet { file: [...] }, by hand: field 1, length-delimited. */
function set(files: readonly FileDescriptor[]): Buffer {
  return Buffer.concat(
    files.map(encodeFile).flatMap((bytes) => {
      const length: number[] = [];
      for (let rest = bytes.length; ; rest >>>= 7) {
        if (rest < 128) {
          length.push(rest);
          break;
        }
        length.push((rest & 127) | 128);
      }
      return [Buffer.from([(1 << 3) | 2, ...length]), bytes];
    }),
  );
}
