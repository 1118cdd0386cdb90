// What matters here is that it compiles: each line with @ts-expect-error is a mistake that must not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type grpc from '@grpc/grpc-js';
import type { MethodDefinition as LoaderMethod } from '@grpc/proto-loader';
import { asyncHandlers, defineConfig, defineServicer, RpcError, type AsyncHandlers } from '#src/index.js';

interface Ask { readonly name?: string }
interface Asked { readonly name: string }
interface Say { readonly message?: string }
interface Said { readonly message: string }

/** As proto-loader-gen-types writes it: every name is let in. */
interface LoaderHandlers extends grpc.UntypedServiceImplementation {
  One: grpc.handleUnaryCall<Asked, Say>;
  Up: grpc.handleClientStreamingCall<Asked, Say>;
  Down: grpc.handleServerStreamingCall<Asked, Say>;
  Both: grpc.handleBidiStreamingCall<Asked, Say>;
}
interface LoaderProto {
  demo: { Greeter: { service: grpc.ServiceDefinition & { One: LoaderMethod<Ask, Say, Asked, Said> } } };
}

/** As ts-proto writes it with outputServices=grpc-js. */
const toBytes = (_value: Said): Buffer => Buffer.from('');
const fromBytes = (_bytes: Buffer): Asked => ({ name: '' });
const method = { requestSerialize: toBytes as (value: Asked | Said) => Buffer, requestDeserialize: fromBytes, responseSerialize: toBytes, responseDeserialize: (): Said => ({ message: '' }) };
const TsProtoService = {
  one: { path: '/demo.Greeter/One', requestStream: false, responseStream: false, ...method },
  up: { path: '/demo.Greeter/Up', requestStream: true, responseStream: false, ...method },
  down: { path: '/demo.Greeter/Down', requestStream: false, responseStream: true, ...method },
  both: { path: '/demo.Greeter/Both', requestStream: true, responseStream: true, ...method },
} as const;
interface TsProtoServer extends grpc.UntypedServiceImplementation {
  one: grpc.handleUnaryCall<Asked, Said>;
}

/** As grpc_tools_node_protoc_ts writes it: methods are interfaces of their own. */
interface ToolsService extends grpc.ServiceDefinition {
  one: grpc.MethodDefinition<Asked, Said> & { requestStream: false; responseStream: false };
  both: grpc.MethodDefinition<Asked, Said> & { requestStream: true; responseStream: true };
}

async function* echo(requests: AsyncIterable<Asked>): AsyncGenerator<Said> {
  for await (const { name } of requests) yield { message: name };
}

test('handlers are typed by what code generators write', () => {
  const loader = asyncHandlers<LoaderHandlers>({
    One: ({ name }) => ({ message: name satisfies string }),
    async Up(requests) {
      for await (const { name } of requests) return { message: name satisfies string };
      throw new RpcError('INVALID_ARGUMENT', 'nothing came');
    },
    async *Down({ name }, call) {
      call.signal satisfies AbortSignal;
      yield await Promise.resolve({ message: name satisfies string });
    },
    Both: echo,
  });
  loader.One satisfies grpc.handleUnaryCall<Asked, Say>;
  assert.deepEqual(Object.keys(loader), ['One', 'Up', 'Down', 'Both']);

  const byDefinition = asyncHandlers<typeof TsProtoService>({ one: ({ name }) => ({ message: name satisfies string }), up: () => ({ message: '' }), down: () => [], both: echo });
  byDefinition satisfies grpc.UntypedServiceImplementation;
  assert.deepEqual(Object.keys(byDefinition), Object.keys(TsProtoService));
  asyncHandlers<TsProtoServer>({ one: ({ name }) => ({ message: name satisfies string }) });
  asyncHandlers<ToolsService>({ one: ({ name }) => ({ message: name satisfies string }), both: echo });
  asyncHandlers({ anything: (request: Asked) => request });

  class Greeter implements AsyncHandlers<TsProtoServer> {
    one({ name }: Asked): Said {
      return { message: name };
    }
  }
  asyncHandlers<TsProtoServer>(new Greeter());
});

test('a mistake in a handler does not compile', () => {
  // @ts-expect-error -- a handler is missing
  asyncHandlers<Pick<LoaderHandlers, 'One' | 'Up'>>({ One: () => ({}) });
  // @ts-expect-error -- no such method
  asyncHandlers<TsProtoServer>({ one: () => ({ message: '' }), two: () => ({}) });
  // @ts-expect-error -- a message of another type
  asyncHandlers<typeof TsProtoService>({ one: () => ({ text: '' }), up: () => ({ message: '' }), down: () => [], both: echo });
  // @ts-expect-error -- one message where a stream is wanted
  asyncHandlers<Pick<LoaderHandlers, 'Down'>>({ Down: () => Promise.resolve({ message: '' }) });
  // @ts-expect-error -- a field that a request has not
  asyncHandlers<TsProtoServer>({ one: ({ nome }) => ({ message: String(nome) }) });
  // @ts-expect-error -- OK is no error
  assert.throws(() => new RpcError('OK', ''));
  // @ts-expect-error -- no such detail
  assert.throws(() => new RpcError('NOT_FOUND', '', { details: [{ '@type': 'google.rpc.Nope' }] }));
});

test('defineServicer and defineConfig know every parameter and option', () => {
  const hook = defineServicer((server, context) => {
    const { demo } = context.loadProto<LoaderProto>('./demo.proto');
    context.slot satisfies number;
    server.addService(demo.Greeter.service, asyncHandlers<Pick<LoaderHandlers, 'One'>>({ One: ({ name }) => ({ message: name }) }));
  });
  assert.equal(typeof hook, 'function');
  // @ts-expect-error -- no such option
  assert.ok(defineConfig({ servicers: ['./x.ts'], maxWorker: 2 }));
  // @ts-expect-error -- no such value
  assert.ok(defineConfig({ servicers: ['./x.ts'], clientAuthentication: 'maybe' }));
});
