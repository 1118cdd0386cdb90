import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { credentials, type Client, type GrpcObject, type ServiceClientConstructor } from '@grpc/grpc-js';
import { DaemonError } from '#src/shared/errors.js';
import { DescriptorRegistry } from '#src/worker/services/descriptor-registry.js';
import { FilePool } from '#src/worker/services/descriptors/file-pool.js';
import { createLoadProto, type LoadProto } from '#src/worker/services/load-proto.js';
import { BareServer } from '../../support/bare-server.js';
import { buf, descriptorSet, SCHEMAS, service } from '../../support/schemas.js';
import { TempDir } from '../../support/temp-dir.js';

const loadProto = (folder: string): LoadProto => createLoadProto(new DescriptorRegistry(), folder);

/** The constructor under a dotted name, which also has the service definition. */
function find(loaded: GrpcObject, name: string): ServiceClientConstructor {
  return name.split('.').reduce<unknown>((object, part) => (object as GrpcObject)[part], loaded) as ServiceClientConstructor;
}

/** Calls a unary method of a server that answers with what `handler` makes of the request. */
async function call(loaded: GrpcObject, name: string, method: string, request: object, handler = (got: unknown): unknown => got): Promise<unknown> {
  const Constructor = find(loaded, name);
  await using server = await BareServer.start([service(Constructor.service, { [method]: handler })]);
  const client = new Constructor(server.address, credentials.createInsecure()) as Client;
  const { requestSerialize, responseDeserialize, path } = Constructor.service[method] ?? assert.fail(`no method ${method}`);
  try {
    return await new Promise((resolve, reject) =>
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, value) => (error === null ? resolve(value) : reject(error))),
    );
  } finally {
    client.close();
  }
}

const ORDER = {
  id: 'o-1',
  note: 'n',
  lines: [{ item: { sku: 's', price: { currency_code: 'EUR', units: '9007199254740993' } }, quantity: 2 }],
  totals_by_currency: { EUR: { currency_code: 'EUR', units: '5' } },
  history: { '-7': 'SHIPPED' },
  voucher: { code: 'v' },
  placed_at: { seconds: '1700000000', nanos: 5 },
  state: 'PLACED',
  offsets: ['-1', '2'],
  gift: false,
};

describe('loadProto', () => {
  const fromSource = (): GrpcObject => loadProto(SCHEMAS)('acme/shop/v1/orders.proto', { includeDirs: ['.'] });

  test('reads .proto files so that messages look as written there', async () => {
    const receipt = (await call(fromSource(), 'acme.shop.v1.Orders', 'Place', ORDER, (order) => ({ order }))) as { order: typeof ORDER };
    assert.deepEqual(withoutEmpty(receipt.order), { ...ORDER, _note: 'note', payment: 'voucher', _gift: 'gift' });
  });

  test('reads a descriptor set to the same definitions as its .proto files', async () => {
    using dir = new TempDir();
    const fromSet = loadProto(dir.path)(descriptorSet(dir, 'acme/shop/v1/orders.proto', 'legacy/legacy.proto'));
    const place = (loaded: GrpcObject): Promise<unknown> => call(loaded, 'acme.shop.v1.Orders', 'Place', ORDER, (order) => ({ order }));
    assert.deepEqual(await place(fromSet), await place(fromSource()));
    assert.deepEqual(
      Object.entries(find(fromSet, 'acme.shop.v1.Orders').service).map(([name, { requestStream, responseStream }]) => [name, requestStream, responseStream]),
      Object.entries(find(fromSource(), 'acme.shop.v1.Orders').service).map(([name, { requestStream, responseStream }]) => [name, requestStream, responseStream]),
    );
  });

  test('keeps proto2 defaults, groups, extensions and required fields of a descriptor set', async () => {
    using dir = new TempDir();
    const record = {
      detail: { text: 'd', subpart: [{ id: 1 }] }, queries: { q: { text: 't', limit: 1, order: 'ASCENDING' } },
      plain: [1, 2], packed: [3, 4], right: 5, '.legacy.author': 'a', '.legacy.sort': ['ASCENDING'],
    };
    const loaded = loadProto(dir.path)(descriptorSet(dir, 'legacy/legacy.proto'));
    const found = await call(loaded, 'legacy.Archive', 'Find', { text: 'x' }, (query) => {
      assert.deepEqual(query, { text: 'x', limit: 31, order: 'DESCENDING' });
      return record;
    });
    // protobufjs cannot print defaults that are not finite.
    const { ratio: _ratio, missing: _missing, ...rest } = found as Record<string, unknown>;
    assert.deepEqual(rest, {
      ...record, either: 'right', '.legacy.Record.Note.note': null,
      name: 'a "quoted" café\n', raw: Buffer.from("\0\xfe'abc\\", 'latin1'), share: 0.0625,
      lowest: '-9223372036854775808', highest: '18446744073709551615', open: true, octal: 493,
    });
    assert.throws(() => find(loaded, 'legacy.Archive').service.Find?.requestDeserialize(Buffer.alloc(0)), /missing required 'text'/);
  });

  test('keeps the features of edition 2023 of a descriptor set', async () => {
    using dir = new TempDir();
    const task = { name: 'n', codes: [1, 2], parent: { name: 'p' } };
    const fromSet = await call(loadProto(dir.path)(descriptorSet(dir, 'editions.proto')), 'modern.Modern', 'Do', task);
    assert.deepEqual(fromSet, await call(loadProto(SCHEMAS)('editions.proto'), 'modern.Modern', 'Do', task));
  });

  test('takes google/protobuf files that a descriptor set lacks from its own store', () => {
    using dir = new TempDir();
    dir.write('t.proto', 'syntax = "proto3"; import "google/protobuf/type.proto"; service S { rpc Get(google.protobuf.Type) returns (google.protobuf.Type); }');
    buf('build', dir.path, '--exclude-imports', '-o', dir.join('t.pb'));
    assert.equal(find(loadProto(dir.path)('t.pb'), 'S').service.Get?.path, '/S/Get');
  });

  test('loads several files at once, each importing from its own folder, of whichever kind', () => {
    using dir = new TempDir();
    for (const name of ['a', 'b']) {
      dir.write(`${name}/common.proto`, `syntax = "proto3"; package ${name}; message M {}`);
      dir.write(`${name}/${name}.proto`, `syntax = "proto3"; package ${name}; import "common.proto"; service S { rpc Get(M) returns (M); }`);
    }
    const load = loadProto(dir.path);
    assert.equal(find(load('a/a.proto'), 'a.S').service.Get?.path, '/a.S/Get');
    assert.equal(find(load('b/b.proto'), 'b.S').service.Get?.path, '/b.S/Get');
    const both = load([descriptorSet(dir, 'bare.proto'), 'a/a.proto']);
    assert.equal(find(both, 'Bare').service.Say?.path, '/Bare/Say');
    assert.equal(find(both, 'a.S').service.Get?.path, '/a.S/Get');
  });

  test('finds a file in includeDirs, as protoc does', () => {
    const loaded = loadProto('/')('acme/users/users.proto', { includeDirs: [SCHEMAS] });
    assert.equal(find(loaded, 'acme.users.Users').service.Favourite?.path, '/acme.users.Users/Favourite');
  });

  test('finds an import beside its importer, as protobufjs does', () => {
    using dir = new TempDir();
    dir.write('a.proto', 'syntax = "proto3"; import "sub/b.proto"; service S { rpc Get(B) returns (B); }');
    dir.write('sub/b.proto', 'syntax = "proto3"; import "c.proto"; message B { C c = 1; }');
    dir.write('sub/c.proto', 'syntax = "proto3"; message C {}');
    const registry = new DescriptorRegistry();
    assert.equal(find(createLoadProto(registry, dir.path)('a.proto'), 'S').service.Get?.path, '/S/Get');
    const pool = new FilePool();
    registry.fill(pool, (problem) => assert.fail(problem));
    assert.deepEqual([pool.fileOf('S')?.dependencies, pool.fileOf('B')?.dependencies], [['sub/b.proto'], ['sub/c.proto']]);
  });

  test('does without a weak import that is not there', () => {
    using dir = new TempDir();
    dir.write('w.proto', 'syntax = "proto3"; import weak "gone.proto"; service S { rpc Get(M) returns (M); } message M {}');
    assert.equal(find(loadProto(dir.path)('w.proto'), 'S').service.Get?.path, '/S/Get');
  });

  test('passes options of proto-loader on', async () => {
    using dir = new TempDir();
    const request = { currencyCode: 'EUR', units: 5 };
    dir.write('m.proto', 'syntax = "proto3"; package m; service S { rpc Get(M) returns (M); } message M { string currency_code = 1; int64 units = 2; }');
    buf('build', dir.path, '-o', dir.join('m.binpb'));
    for (const path of ['m.proto', 'm.binpb']) {
      const answer = await call(loadProto(dir.path)(path, { keepCase: false, longs: Number }), 'm.S', 'Get', request);
      assert.deepEqual(answer, request, path);
    }
  });
});

describe('an error of loadProto names', () => {
  const failsWith = (load: () => unknown, message: RegExp, hint = /./): void => {
    assert.throws(load, (error) => {
      assert.ok(error instanceof DaemonError);
      assert.equal(error.code, 'E_SERVICER');
      assert.match(error.message, message);
      assert.match(error.hint, hint);
      return true;
    });
  };

  test('the file that is missing', () => {
    failsWith(() => loadProto(SCHEMAS)('no/such.proto'), /There is no .*no\/such\.proto/);
    failsWith(() => loadProto(SCHEMAS)('no/such.proto', { includeDirs: ['acme'] }), /There is no no\/such\.proto in .*\/acme/);
    failsWith(() => loadProto(SCHEMAS)('no.binpb'), /Cannot read the descriptor set .*no\.binpb \(ENOENT\)/);
  });

  test('the line of an import that is missing, and where it is', () => {
    const load = loadProto(SCHEMAS);
    failsWith(() => load('acme/users/users.proto'), /users\.proto, line 5: cannot find "acme\/shop\/v1\/catalog\.proto" in/, /It is in .*schemas: .*includeDirs/);
  });

  test('the place of a syntax error, and a type that is missing', () => {
    using dir = new TempDir();
    dir.write('bad.proto', 'syntax = "proto3";\nmessage {}');
    dir.write('untyped.proto', 'syntax = "proto3"; service S { rpc Get(No) returns (No); }');
    failsWith(() => loadProto(dir.path)('bad.proto'), /bad\.proto, line 2/);
    failsWith(() => loadProto(dir.path)('untyped.proto'), /untyped\.proto: no such type: No/i);
  });

  test('what a descriptor set lacks', () => {
    using dir = new TempDir();
    buf('build', SCHEMAS, '--path', `${SCHEMAS}/acme/users`, '--exclude-imports', '-o', dir.join('users.binpb'));
    failsWith(() => loadProto(dir.path)('users.binpb'), /it lacks acme\/shop\/v1\/catalog\.proto; make it with --include_imports/);
    dir.write('junk.desc', 'not a descriptor set');
    failsWith(() => loadProto(dir.path)('junk.desc'), /Cannot load .*junk\.desc/);
  });
});

/** Without what `defaults: true` adds: null, empty lists, empty texts, enums and numbers that are 0. */
function withoutEmpty(message: object): unknown {
  const isEmpty = (value: unknown): boolean =>
    value === null || value === '' || value === 'STATE_UNSPECIFIED' || value === '0' || (typeof value === 'object' && Object.keys(value).length === 0);
  return JSON.parse(JSON.stringify(message, (_key, value: unknown) => (isEmpty(value) ? undefined : value)));
}
