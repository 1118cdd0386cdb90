import assert from 'node:assert/strict';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import type { handleBidiStreamingCall, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import { DescriptorRegistry } from '#src/worker/services/descriptor-registry.js';
import type { FileDescriptor } from '#src/worker/services/descriptors/file-descriptor.js';
import { createHealth } from '#src/worker/services/health.js';
import { createLoadProto } from '#src/worker/services/load-proto.js';
import { createReflection } from '#src/worker/services/reflection.js';
import { decodeResponse, encodeRequest, type ReflectionRequest, type ReflectionResponse } from '#src/worker/services/reflection-messages.js';
import { BareServer, type Service } from '../../support/bare-server.js';
import { Deadline } from '../../support/deadline.js';
import { filesOf, reflect } from '../../support/reflection-client.js';
import { plainDefinitions, SCHEMAS, service } from '../../support/schemas.js';

/** A server with reflection for these services and for itself. */
function serve(services: readonly Service[], registry = new DescriptorRegistry(), onProblem = (problem: string): void => assert.fail(problem)): Promise<BareServer> {
  const all: Service[] = [...services];
  all.push(...createReflection({ services: () => all.map(({ definition }) => definition), registry, onProblem }));
  return BareServer.start(all);
}

const REFLECTION = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'];

describe('reflection', () => {
  let server: BareServer;
  before(async () => {
    const registry = new DescriptorRegistry();
    const loaded = createLoadProto(registry, SCHEMAS)(['acme/shop/v1/orders.proto', 'legacy/legacy.proto'], { includeDirs: ['.'] });
    assert.ok(loaded.acme && loaded.legacy);
    // The definitions need not be those that were loaded with descriptors.
    const [archive] = plainDefinitions(['legacy/legacy.proto']);
    const orders = plainDefinitions(['acme/shop/v1/orders.proto']).find((each) => 'Place' in each);
    assert.ok(archive && orders);
    server = await serve([service(orders), service(archive), createHealth([])], registry);
  });
  after(() => server[Symbol.asyncDispose]());

  const ask = async (question: ReflectionRequest): Promise<ReflectionResponse> => {
    const [answer] = await reflect(server.address, [question]);
    return answer ?? assert.fail('no answer');
  };
  const first = async (question: ReflectionRequest): Promise<string | undefined> => filesOf(await ask(question))[0]?.name;

  test('lists every service, its own and health among them, in both versions of the protocol', async () => {
    const expected = ['acme.shop.v1.Orders', 'grpc.health.v1.Health', ...REFLECTION, 'legacy.Archive'].map((name) => ({ name }));
    for (const version of ['v1', 'v1alpha'] as const) {
      const [answer] = await reflect(server.address, [{ listServices: '' }], version);
      assert.deepEqual(answer, { validHost: '', originalRequest: { listServices: '' }, listServicesResponse: { service: expected } });
    }
  });

  test('finds the file of everything that has a name', async () => {
    for (const [symbol, file] of [
      ['acme.shop.v1.Orders', 'acme/shop/v1/orders.proto'],
      ['acme.shop.v1.Orders.Place', 'acme/shop/v1/orders.proto'],
      ['acme.shop.v1.Order.Line.Tax', 'acme/shop/v1/orders.proto'],
      ['acme.shop.v1.Order.customer', 'acme/shop/v1/orders.proto'],
      ['acme.shop.v1.Order.payment', 'acme/shop/v1/orders.proto'],
      ['acme.shop.v1.Order.State', 'acme/shop/v1/orders.proto'],
      ['acme.shop.v1.Order.SHIPPED', 'acme/shop/v1/orders.proto'],
      ['acme.shop.v1.Item', 'acme/shop/v1/catalog.proto'],
      ['acme.options.rule', 'acme/options/annotations.proto'],
      ['legacy.Record.Note.note', 'legacy/legacy.proto'],
      ['google.protobuf.Timestamp', 'google/protobuf/timestamp.proto'],
      ['grpc.health.v1.Health', 'grpc/health/v1/health.proto'],
      ['grpc.reflection.v1alpha.ServerReflection', 'grpc/reflection/v1alpha/reflection.proto'],
    ] as const) {
      assert.equal(await first({ fileContainingSymbol: symbol }), file, symbol);
    }
  });

  test('finds a file by its name, and by the number of an extension', async () => {
    assert.equal(await first({ fileByFilename: 'acme/common/label.proto' }), 'acme/common/label.proto');
    assert.equal(await first({ fileContainingExtension: { containingType: 'legacy.Record', extensionNumber: 101 } }), 'legacy/legacy.proto');
    assert.equal(
      await first({ fileContainingExtension: { containingType: 'google.protobuf.MethodOptions', extensionNumber: 50002 } }),
      'acme/options/annotations.proto',
    );
  });

  test('tells the numbers of all extensions of a message', async () => {
    const numbers = async (type: string): Promise<unknown> => {
      const answer = await ask({ allExtensionNumbersOfType: type });
      return 'allExtensionNumbersResponse' in answer ? answer.allExtensionNumbersResponse : answer;
    };
    assert.deepEqual(await numbers('legacy.Record'), { baseTypeName: 'legacy.Record', extensionNumber: [100, 101, 1000] });
    assert.deepEqual(await numbers('google.protobuf.MessageOptions'), { baseTypeName: 'google.protobuf.MessageOptions', extensionNumber: [50001, 51234] });
    assert.deepEqual(await numbers('acme.shop.v1.Item'), { baseTypeName: 'acme.shop.v1.Item' });
  });

  test('says NOT_FOUND of what it does not know, and goes on', async () => {
    const questions: ReflectionRequest[] = [
      { fileByFilename: 'no.proto' },
      { fileContainingSymbol: 'acme.No' },
      { fileContainingExtension: { containingType: 'legacy.Record', extensionNumber: 102 } },
      { allExtensionNumbersOfType: 'legacy.No' },
      { host: 'h', fileByFilename: 'acme/common/money.proto' },
    ];
    const answers = await reflect(server.address, questions);
    assert.deepEqual(answers.map(({ originalRequest }) => originalRequest), questions);
    for (const answer of answers.slice(0, 4)) {
      assert.ok('errorResponse' in answer);
      assert.equal(answer.errorResponse.errorCode, 5);
      assert.match(answer.errorResponse.errorMessage, /(?:no\.proto|acme\.No|102 of legacy\.Record|legacy\.No) is not known/);
    }
    assert.equal(answers[4]?.validHost, 'h');
    assert.equal(filesOf(answers[4])[0]?.name, 'acme/common/money.proto');
  });

  test('says INVALID_ARGUMENT of a request that asks for nothing', async () => {
    const answer = await ask({ host: 'h' });
    assert.ok('errorResponse' in answer);
    assert.equal(answer.errorResponse.errorCode, 3);
  });

  test('sends a file with all that it imports, each import once a stream', async () => {
    const question = { fileContainingSymbol: 'acme.users.User' };
    const [one, same, more] = await reflect(server.address, [question, question, { fileContainingSymbol: 'acme.shop.v1.Orders' }]);
    const names = (answer: ReflectionResponse | undefined): string[] => filesOf(answer).map(({ name }) => name);
    assert.deepEqual(names(one).toSorted(), [
      'acme/common/all.proto', 'acme/common/label.proto', 'acme/common/money.proto', 'acme/shop/v1/catalog.proto',
      'acme/users/users.proto', 'google/protobuf/empty.proto', 'google/protobuf/wrappers.proto',
    ]);
    assert.equal(names(one)[0], 'acme/users/users.proto');
    assert.deepEqual(names(same), ['acme/users/users.proto']);
    assert.deepEqual(names(more).toSorted(), [
      'acme/options/annotations.proto', 'acme/shop/v1/orders.proto', 'google/protobuf/any.proto',
      'google/protobuf/descriptor.proto', 'google/protobuf/struct.proto', 'google/protobuf/timestamp.proto',
    ]);
  });

  test('tells public imports and the syntax', async () => {
    const [all] = filesOf(await ask({ fileByFilename: 'acme/common/all.proto' }));
    assert.deepEqual([all?.dependency, all?.publicDependency, all?.syntax], [['acme/common/money.proto', 'acme/common/label.proto'], [0, 1], 'proto3']);
    const [legacy] = filesOf(await ask({ fileByFilename: 'legacy/legacy.proto' }));
    assert.equal(legacy?.syntax, undefined);
  });
});

test('a service without descriptors is listed, and its file is said to be missing and why', async () => {
  const [bare] = plainDefinitions(['bare.proto']);
  assert.ok(bare);
  // As grpc-tools and ts-proto generate them: methods that know how to encode, and no more.
  const stripped = Object.entries(bare).map(([name, method]) => [name, { ...method, requestType: undefined, responseType: undefined }]);
  await using server = await serve([service(Object.fromEntries(stripped) as ServiceDefinition)]);
  const [list, file] = await reflect(server.address, [{ listServices: '' }, { fileContainingSymbol: 'Bare.Say' }]);
  assert.ok(list && 'listServicesResponse' in list);
  assert.deepEqual(list.listServicesResponse.service.map(({ name }) => name), ['Bare', ...REFLECTION]);
  assert.ok(file && 'errorResponse' in file);
  assert.deepEqual(file.errorResponse, {
    errorCode: 5,
    errorMessage: 'Symbol Bare.Say is not known: service Bare was registered without descriptors; context.loadProto() keeps them',
  });
});

test('what cannot be described is told once, and everything else is described', async () => {
  const registry = new DescriptorRegistry();
  registry.addSources([{ name: 'bad.proto', text: 'syntax = "proto3"; message {', imports: new Map() }]);
  createLoadProto(registry, SCHEMAS)('bare.proto');
  const problems: string[] = [];
  await using server = await serve([], registry, (problem) => problems.push(problem));
  for (let round = 0; round < 2; round += 1) {
    const [answer] = await reflect(server.address, [{ fileContainingSymbol: 'Bare' }]);
    assert.deepEqual(filesOf(answer).map((file: FileDescriptor) => file.name), ['bare.proto']);
  }
  assert.deepEqual(problems, ['bad.proto, line 1: expected a name, found "{"']);
});

test('nothing is described before somebody asks', async () => {
  const registry = new DescriptorRegistry();
  let fills = 0;
  registry.fill = () => void (fills += 1);
  await using server = await serve([], registry);
  assert.equal(fills, 0);
  await reflect(server.address, [{ listServices: '' }]);
  await reflect(server.address, [{ listServices: '' }]);
  assert.equal(fills, 1);
});

test('no more questions are taken than the client reads answers, and none is lost', async () => {
  const registry = new DescriptorRegistry();
  const all: Service[] = [];
  const built = createReflection({ services: () => all.map(({ definition }) => definition), registry, onProblem: (problem) => assert.fail(problem) });
  const paused = new Promise<void>((resolve) => {
    for (const { definition, implementation } of built) {
      const reflection = implementation.ServerReflectionInfo as handleBidiStreamingCall<unknown, unknown>;
      const watched = (call: ServerDuplexStream<unknown, unknown>): void => {
        call.once('pause', resolve);
        reflection(call);
      };
      all.push({ definition, implementation: { ServerReflectionInfo: watched } });
    }
  });
  await using server = await BareServer.start(all);
  // grpc-js's own client reads ahead without end.
  using client = new SlowClient(server.address);
  const count = 500;
  for (let sent = 0; sent < count; sent += 1) client.ask({ fileContainingSymbol: 'google.protobuf.FieldDescriptorProto' });
  const deadline = new Deadline(20_000);
  await deadline.wait(paused, 'a pause');
  const answers = await deadline.wait(client.read(), 'all answers');
  assert.equal(answers.length, count);
  assert.ok(answers.every((answer) => filesOf(answer)[0]?.name === 'google/protobuf/descriptor.proto'));
});

/** Speaks gRPC on bare HTTP/2, where nothing is received before somebody reads. */
class SlowClient implements Disposable {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;

  constructor(address: string) {
    this.#session = connect(`http://${address}`);
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    this.#stream = this.#session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
  }

  ask(question: ReflectionRequest): void {
    const message = encodeRequest(question);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    this.#stream.write(Buffer.concat([prefix, message]));
  }

  async read(): Promise<ReflectionResponse[]> {
    this.#stream.end();
    const chunks: Buffer[] = [];
    for await (const chunk of this.#stream) chunks.push(chunk as Buffer);
    const answers: ReflectionResponse[] = [];
    for (let rest = Buffer.concat(chunks); rest.length > 0; rest = rest.subarray(5 + rest.readUInt32BE(1))) {
      answers.push(decodeResponse(rest.subarray(5, 5 + rest.readUInt32BE(1))));
    }
    return answers;
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}
