import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { DescriptorRegistry } from '#src/worker/services/descriptor-registry.js';
import { decodeFile, decodeOptions } from '#src/worker/services/descriptors/codec.js';
import type { FileDescriptor, MessageDescriptor } from '#src/worker/services/descriptors/file-descriptor.js';
import { symbolsOf } from '#src/worker/services/descriptors/symbols.js';
import type { FilePool } from '#src/worker/services/descriptors/file-pool.js';
import { buildPool } from '#src/worker/services/reflection-index.js';
import { createLoadProto } from '#src/worker/services/load-proto.js';
import { descriptorSet, plainDefinitions, servedSchemas, SCHEMAS } from '../../support/schemas.js';
import { TempDir } from '../../support/temp-dir.js';

function describeAll(definitions: readonly ServiceDefinition[], registry = new DescriptorRegistry()): FilePool {
  return buildPool(definitions, registry, (problem) => assert.fail(problem));
}

const fileOf = (pool: FilePool, symbol: string): FileDescriptor =>
  decodeFile(pool.fileOf(symbol)?.bytes ?? assert.fail(`${symbol} is not known`));

function message(pool: FilePool, name: string): MessageDescriptor {
  const found = [...symbolsOf(fileOf(pool, name))].find((symbol) => symbol.name === name);
  assert.equal(found?.kind, 'message');
  return found.descriptor;
}

describe('definitions loaded without context.loadProto', () => {
  const schemas = servedSchemas().filter((name) => name !== 'editions.proto');
  let mended: FilePool;
  let faithful: FilePool;

  before(() => {
    mended = describeAll(plainDefinitions(schemas));
    const registry = new DescriptorRegistry();
    createLoadProto(registry, SCHEMAS)(schemas, { includeDirs: ['.'] });
    faithful = describeAll([], registry);
  });

  /** Fields without options and JSON names, in order of their numbers. */
  const fields = (pool: FilePool, name: string): unknown =>
    message(pool, name).field
      .map(({ options: _options, jsonName: _jsonName, oneofIndex, ...field }) => ({
        ...field,
        oneof: oneofIndex === undefined ? undefined : message(pool, name).oneofDecl[oneofIndex]?.name,
      }))
      .sort((a, b) => a.number - b.number);

  for (const name of [
    'acme.shop.v1.Order', 'acme.shop.v1.Order.Line', 'acme.shop.v1.Order.Line.Tax', 'acme.shop.v1.Order.HistoryEntry',
    'acme.shop.v1.Order.TotalsByCurrencyEntry', 'acme.shop.v1.Item', 'acme.users.User', 'acme.common.Money',
    'acme.options.Rule', 'acme.options.Rule.LimitsEntry', 'Said', 'legacy.Record.QueriesEntry', 'legacy.Record.Note',
  ]) {
    test(`have the fields of ${name}`, () => assert.deepEqual(fields(mended, name), fields(faithful, name)));
  }

  test('have the defaults, groups and packed fields of proto2, but for what protobufjs forgets: required', () => {
    const without = (pool: FilePool): unknown[] =>
      (fields(pool, 'legacy.Record') as { name: string }[]).filter(({ name }) => !['name', 'raw'].includes(name));
    assert.deepEqual(without(mended), without(faithful));
    const record = message(mended, 'legacy.Record');
    const packed = record.field.filter(({ options }) => decodeOptions('FieldOptions', options).packed !== undefined);
    assert.deepEqual(packed.map(({ name }) => name), ['packed']);
    assert.equal(fileOf(mended, 'legacy.Record').syntax, undefined);
  });

  test('have proto3 optional fields in oneofs behind the others', () => {
    const { oneofDecl, field } = message(mended, 'acme.shop.v1.Order');
    assert.deepEqual(oneofDecl.map(({ name }) => name), ['payment', '_note', '_gift', '_previous_state']);
    assert.deepEqual(field.filter(({ proto3Optional }) => proto3Optional).map(({ name }) => name), ['note', 'gift', 'previous_state']);
    assert.equal(fileOf(mended, 'acme.shop.v1.Order').syntax, 'proto3');
  });

  test('have extensions where they were declared, and only there', () => {
    assert.deepEqual(message(mended, 'legacy.Record.Note').extension.map(({ name }) => name), ['note']);
    assert.deepEqual(fileOf(mended, 'legacy.author').extension.map(({ name, extendee }) => [name, extendee]), [
      ['author', '.legacy.Record'], ['sort', '.legacy.Record'], ['table', '.google.protobuf.MessageOptions'],
    ]);
    assert.deepEqual(mended.extensionNumbers('legacy.Record'), faithful.extensionNumbers('legacy.Record'));
  });

  test('have ranges that end where they end', () => {
    for (const name of ['acme.shop.v1.Order', 'legacy.Record']) {
      const ranges = ({ reservedRange, extensionRange }: MessageDescriptor): unknown => [reservedRange, extensionRange.map(({ start, end }) => [start, end])];
      assert.deepEqual(ranges(message(mended, name)), ranges(message(faithful, name)), name);
    }
  });

  test('are in files that import what they use, and never each other in a circle', () => {
    const seen = new Set<string>();
    const visit = (name: string, path: readonly string[]): void => {
      assert.ok(!path.includes(name), [...path, name].join(' -> '));
      seen.add(name);
      for (const dependency of mended.file(name)?.dependencies ?? assert.fail(`${name} is missing`)) visit(dependency, [...path, name]);
    };
    for (const service of ['acme.shop.v1.Orders', 'acme.users.Users', 'legacy.Archive', 'Bare']) {
      const file = mended.fileOf(service);
      assert.ok(file);
      visit(file.name, []);
    }
    assert.ok(seen.has('google/protobuf/timestamp.proto'));
    assert.ok(seen.has('acme/users/users.proto'));
  });

  test('have files named after their packages', () => {
    assert.equal(mended.fileOf('acme.users.Users')?.name, 'acme/users/users.proto');
    assert.equal(mended.fileOf('Bare')?.name, 'root.proto');
    const health = describeAll(plainDefinitions([`${SCHEMAS}/acme/common/money.proto`, 'acme/users/users.proto']));
    assert.equal(health.fileOf('acme.common.Money')?.name, 'acme/common/common.proto');
  });
});

test('overlapping loads are described as one', () => {
  const pool = describeAll([...plainDefinitions(['acme/users/users.proto']), ...plainDefinitions(['acme/shop/v1/orders.proto'])]);
  for (const name of ['acme.users.User', 'acme.shop.v1.Item', 'acme.shop.v1.Orders', 'acme.common.Label']) assert.ok(pool.fileOf(name), name);
  // Items were in both loads.
  const items = new Set(['acme.shop.v1.Item', 'acme.shop.v1.Item.sku'].map((name) => pool.fileOf(name)?.name));
  assert.equal(items.size, 1);
});

test('what context.loadProto has loaded is described by that, and imported from there', () => {
  const registry = new DescriptorRegistry();
  createLoadProto(registry, SCHEMAS)('acme/shop/v1/catalog.proto', { includeDirs: ['.'] });
  const pool = describeAll(plainDefinitions(['acme/users/users.proto']), registry);
  assert.equal(pool.fileOf('acme.shop.v1.Item')?.name, 'acme/shop/v1/catalog.proto');
  assert.deepEqual(pool.fileOf('acme.users.User')?.dependencies.toSorted(), ['acme/shop/v1/catalog.proto', 'google/protobuf/empty.proto']);
});

test('without keepCase, fields have the names that proto-loader gave them', () => {
  const pool = describeAll(plainDefinitions(['acme/shop/v1/orders.proto'], { keepCase: false }));
  const names = message(pool, 'acme.shop.v1.Order').field.map(({ name }) => name);
  assert.ok(names.includes('totalsByCurrency') && names.includes('previousState'), names.join());
  assert.deepEqual(message(pool, 'acme.shop.v1.Order').nestedType.map(({ name }) => name), ['TotalsByCurrencyEntry', 'HistoryEntry', 'Line', 'Voucher']);
});

test('editions look like the syntax that they resemble, for protobufjs does not pass them on', () => {
  const pool = describeAll(plainDefinitions(['editions.proto']));
  const file = fileOf(pool, 'modern.Modern');
  assert.deepEqual([file.syntax, file.edition], [undefined, undefined]);
  assert.equal(decodeOptions('EnumOptions', message(pool, 'modern.Task').enumType[0]?.options).features, undefined);
});

describe('a descriptor set that was given to proto-loader itself', () => {
  const dir = new TempDir();
  after(() => dir[Symbol.dispose]());

  test('is described with its maps and ranges', () => {
    const loaded = loadFileDescriptorSetFromBuffer(readFileSync(descriptorSet(dir, 'acme/shop/v1/orders.proto')), { keepCase: true });
    const pool = describeAll([loaded['acme.shop.v1.Orders'] as ServiceDefinition]);
    const order = message(pool, 'acme.shop.v1.Order');
    assert.equal(decodeOptions('MessageOptions', order.options).map_entry, undefined);
    assert.deepEqual(order.nestedType.map(({ name }) => name), ['TotalsByCurrencyEntry', 'HistoryEntry', 'Line', 'Voucher']);
    assert.deepEqual(order.reservedRange, [{ start: 5, end: 8 }, { start: 20, end: 21 }, { start: 100, end: 2 ** 29 }]);
  });
});
