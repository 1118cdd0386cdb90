// Clients that check descriptors strictly, against a server with each kind of source for them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { GrpcObject, ServiceClientConstructor, ServiceDefinition } from '@grpc/grpc-js';
import { createChannelz } from '#src/worker/services/channelz.js';
import { DescriptorRegistry } from '#src/worker/services/descriptor-registry.js';
import { createHealth } from '#src/worker/services/health.js';
import { createLoadProto } from '#src/worker/services/load-proto.js';
import { createReflection } from '#src/worker/services/reflection.js';
import { BareServer, type Service } from '../support/bare-server.js';
import { ROOT } from '../support/paths.js';
import { skipUnless } from '../support/peers.js';
import { descriptorSet, plainDefinitions, SCHEMAS, service } from '../support/schemas.js';
import { TempDir } from '../support/temp-dir.js';

const run = promisify(execFile);
const onProblem = (problem: string): never => assert.fail(problem);
const SERVED = ['acme/shop/v1/orders.proto', 'acme/users/users.proto', 'legacy/legacy.proto', 'bare.proto'];
const SERVICES = ['acme.shop.v1.Orders', 'acme.users.Users', 'legacy.Archive', 'Bare'];
const BUILT_IN = [
  'grpc.channelz.v1.Channelz', 'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection',
];

/** How a servicer may come by its definitions. */
const SOURCES: Readonly<Record<string, (registry: DescriptorRegistry, dir: TempDir) => ServiceDefinition[]>> = {
  '.proto files': (registry) => definitions(createLoadProto(registry, SCHEMAS)(SERVED, { includeDirs: ['.'] })),
  'a descriptor set': (registry, dir) => definitions(createLoadProto(registry, dir.path)(descriptorSet(dir, ...SERVED))),
  'proto-loader alone': () => plainDefinitions(SERVED),
};

function definitions(loaded: GrpcObject): ServiceDefinition[] {
  return SERVICES.map((name) => {
    const found = name.split('.').reduce<unknown>((object, part) => (object as GrpcObject)[part], loaded);
    return (found as ServiceClientConstructor).service;
  });
}

for (const [source, load] of Object.entries(SOURCES)) {
  describe(`over reflection from ${source}`, () => {
    const dir = new TempDir();
    let server: BareServer;
    let url: string;

    before(async () => {
      const registry = new DescriptorRegistry();
      const health = createHealth([]);
      health.setServing();
      const all: Service[] = load(registry, dir).map((definition) =>
        service(definition, { Place: (order) => ({ order }), Find: (query) => ({ name: (query as { text: string }).text }), Favourite: () => ({}) }),
      );
      all.push(health, createChannelz());
      all.push(...createReflection({ services: () => all.map(({ definition }) => definition), registry, onProblem }));
      server = await BareServer.start(all);
      url = `http://${server.address}`;
    });
    after(async () => {
      await server[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    });

    const curl = async (path: string, ...args: string[]): Promise<string> => {
      const { stdout } = await run(`${ROOT}node_modules/.bin/buf`, ['curl', '--http2-prior-knowledge', '--protocol', 'grpc', ...args, url + path], { timeout: 60_000 });
      return stdout;
    };
    const send = async (path: string, data: object): Promise<unknown> => JSON.parse(await curl(path, '-d', JSON.stringify(data)));

    test('buf lists services and methods', async () => {
      assert.deepEqual((await curl('', '--list-services')).trim().split('\n').sort(), [...SERVICES, ...BUILT_IN].sort());
      const methods = await curl('', '--list-methods');
      for (const method of ['acme.shop.v1.Orders/Watch', 'Bare/Say', 'legacy.Archive/Find', 'grpc.health.v1.Health/Watch']) {
        assert.ok(methods.split('\n').includes(method), method);
      }
    });

    test('buf calls methods with maps, oneofs, optional fields, enums, Any and well-known types', async () => {
      const order = {
        note: '', lines: [{ item: { sku: 's', price: { currencyCode: 'EUR', units: '5' } }, quantity: 2 }],
        totalsByCurrency: { EUR: { units: '7' } }, history: { '-3': 'SHIPPED' }, voucher: { code: 'v' },
        placedAt: '2020-01-01T00:00:00Z', extra: { '@type': 'type.googleapis.com/acme.users.User', name: 'u' },
        attributes: { a: [1, 'b', null] }, state: 'PLACED', gift: false, weightInGrams: '9007199254740993',
      };
      assert.deepEqual(await send('/acme.shop.v1.Orders/Place', order), { order });
      assert.deepEqual(await send('/acme.users.Users/Favourite', { name: 'u', favourites: [{ discount: 0.5 }] }), {});
    });

    test('buf calls a service without a package, one of proto2, and health', async () => {
      assert.deepEqual(await send('/Bare/Say', { what: 'w' }), { what: 'w' });
      assert.deepEqual(await send('/legacy.Archive/Find', { text: 't', order: 'ASCENDING' }), { name: 't' });
      assert.deepEqual(await send('/grpc.health.v1.Health/Check', {}), { status: 'SERVING' });
    });

    for (const version of ['v1', 'v1alpha']) {
      test(`Python takes every file into a strict pool and finds all fields (${version})`, { skip: skipUnless('python-grpc') }, async () => {
        const port = server.address.split(':')[1] ?? '';
        const { stdout } = await run('/usr/bin/python3', [`${ROOT}test/peers/python/reflect.py`, port, version], { timeout: 60_000 });
        const seen = JSON.parse(stdout) as Seen;
        assert.deepEqual(Object.keys(seen.services).sort(), [...SERVICES, ...BUILT_IN].sort());
        assert.deepEqual(seen.services['acme.shop.v1.Orders']?.Place, ['acme.shop.v1.Order', 'acme.shop.v1.Receipt']);
        assert.deepEqual(seen.services['acme.users.Users']?.Favourite, ['acme.users.User', 'google.protobuf.Empty']);
        const order = seen.messages['acme.shop.v1.Order']?.fields ?? {};
        assert.deepEqual(order.note, { number: 4, type: 9, label: 1, presence: true, oneof: '_note', map: false });
        assert.deepEqual(order.id, { number: 1, type: 9, label: 1, presence: false, oneof: null, map: false });
        assert.deepEqual(order.voucher, { number: 11, type: 'acme.shop.v1.Order.Voucher', label: 1, presence: true, oneof: 'payment', map: false });
        assert.deepEqual(order.placed_at, { number: 12, type: 'google.protobuf.Timestamp', label: 1, presence: true, oneof: null, map: false });
        assert.equal(order.totals_by_currency?.map, true);
        assert.equal(seen.messages['legacy.Record']?.fields.left?.presence, true);
        assert.equal(seen.messages.Said?.fields.what?.number, 1);
      });
    }
  });
}

interface Seen {
  readonly services: Readonly<Record<string, Readonly<Record<string, readonly [string, string]>>>>;
  readonly messages: Readonly<Record<string, { readonly fields: Readonly<Record<string, SeenField>> }>>;
}

interface SeenField {
  readonly number: number;
  readonly type: number | string;
  readonly label: number;
  readonly presence: boolean;
  readonly oneof: string | null;
  readonly map: boolean;
}

describe('edition 2023', () => {
  test('is described with its features, from .proto files and from a descriptor set', async () => {
    using dir = new TempDir();
    for (const load of [
      (registry: DescriptorRegistry) => createLoadProto(registry, SCHEMAS)('editions.proto'),
      (registry: DescriptorRegistry) => createLoadProto(registry, dir.path)(descriptorSet(dir, 'editions.proto')),
    ]) {
      const registry = new DescriptorRegistry();
      const { modern } = load(registry) as { modern: { Modern: ServiceClientConstructor } };
      const all: Service[] = [service(modern.Modern.service)];
      all.push(...createReflection({ services: () => all.map(({ definition }) => definition), registry, onProblem }));
      await using server = await BareServer.start(all);
      const task = { name: 'n', note: 'o', codes: [1, 2], parent: { name: 'p', note: 'q' }, kind: 'CHORE' };
      const args = ['curl', '--http2-prior-knowledge', '--protocol', 'grpc', '-d', JSON.stringify(task)];
      const { stdout } = await run(`${ROOT}node_modules/.bin/buf`, [...args, `http://${server.address}/modern.Modern/Do`], { timeout: 60_000 });
      assert.deepEqual(JSON.parse(stdout), task);
    }
  });
});
