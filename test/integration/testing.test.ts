import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import otherGrpc from 'grpc-js-1.13';
import { asyncHandlers, defineServicer } from '#src/index.js';
import { deferred } from '#src/shared/deferred.js';
import { startTestDaemon, startTestServer, type TestTarget } from '#src/testing.js';
import { testEnvironment } from '../support/cli.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { ROOT, servicer } from '../support/paths.js';
import { TempDir } from '../support/temp-dir.js';

const PROTO = `${ROOT}examples/helloworld/helloworld.proto`;
const GREETER = `${ROOT}examples/helloworld/greeter.js`;

interface Hello {
  readonly message: string;
  readonly worker: { readonly slot: number; readonly pid: number } | null;
}
interface GreeterClient extends grpc.Client {
  sayHello(request: { name: string }, callback: (error: grpc.ServiceError | null, reply: Hello) => void): void;
}
interface Proto {
  helloworld: { Greeter: { new (...parameters: ConstructorParameters<typeof grpc.Client>): GreeterClient; service: grpc.ServiceDefinition } };
}

const greeterOf = (server: TestTarget): GreeterClient => server.client(server.loadProto<Proto>(PROTO).helloworld.Greeter);

const hello = (client: GreeterClient, name = 'Ada'): Promise<Hello> =>
  new Promise((resolve, reject) => client.sayHello({ name }, (error, reply) => (error === null ? resolve(reply) : reject(error))));

const greeter = defineServicer((server, context) => {
  const { helloworld } = context.loadProto<Proto>(PROTO);
  const unimplemented = (): never => { throw new Error('not in this test'); };
  server.addService(helloworld.Greeter.service, asyncHandlers({
    SayHello: ({ name }: { name: string }) => ({ message: `Hi, ${name}` }),
    SayHelloManyWays: unimplemented, SayHelloToAll: unimplemented, SayHelloToEach: unimplemented,
  }));
});

describe('startTestServer', () => {
  test('serves modules, as a config names them, with health and reflection', async () => {
    await using server = await startTestServer({ servicers: [GREETER] });
    assert.equal((await hello(greeterOf(server))).message, 'Hello, Ada!');
    assert.match(server.address, /^127\.0\.0\.1:\d+$/);
  });

  for (const transport of ['http2', 'lean'] as const) {
    test(`serves hooks of the test itself, with the guard around their handlers: ${transport}`, async () => {
      const broken = defineServicer((server, context) => {
        const { helloworld } = context.loadProto<Proto>('./helloworld.proto');
        server.addService(helloworld.Greeter.service, {
          ...asyncHandlers({ SayHello: () => { throw new Error('secret'); }, SayHelloManyWays: () => [], SayHelloToEach: () => [] }),
          SayHelloToAll: (_: unknown, callback: grpc.sendUnaryData<Hello>) => callback(null, { message: 'all', worker: null }),
        });
      });
      await using server = await startTestServer({ config: { transport, log: { level: 'silent' } }, servicers: [broken], folder: `${ROOT}examples/helloworld` });
      await assert.rejects(hello(greeterOf(server)), { code: grpc.status.INTERNAL, details: 'Internal error' });
    });
  }

  test('serves what a config file says, relative to its folder, but for host, port and environment', async () => {
    using dir = new TempDir();
    dir.write('conf/grpcserverd.config.json', JSON.stringify({ servicers: ['../greeter.ts'], port: 1, maxWorkers: 3, maximumConcurrentRpcs: 7 }));
    dir.write('greeter.ts', `import { defineServicer } from 'grpcserverd';
import { grpcHook as own } from ${JSON.stringify(GREETER)};
export const grpcHook = defineServicer((server, context) => own(server, { ...context, loadProto: () => context.loadProto(${JSON.stringify(PROTO)}) }));
`);
    process.env.GRPCSERVERD_SERVICERS = '/nowhere.js';
    try {
      await using server = await startTestServer({ config: 'conf/grpcserverd.config.json', folder: dir.path });
      assert.equal((await hello(greeterOf(server))).message, 'Hello, Ada!');
    } finally {
      delete process.env.GRPCSERVERD_SERVICERS;
    }
  });

  test('has interceptors of the test, of the config, and the cap on calls', async () => {
    const methods: string[] = [];
    const interceptor: grpc.ServerInterceptor = (method, call) => {
      methods.push(method.path);
      return new grpc.ServerInterceptingCall(call);
    };
    const refusing = `${ROOT}test/fixtures/interceptors/refuses-everything.js`;
    await using server = await startTestServer({ servicers: [greeter], interceptors: [interceptor, refusing] });
    await assert.rejects(hello(greeterOf(server)), { code: grpc.status.PERMISSION_DENIED });
    assert.deepEqual(methods, ['/helloworld.Greeter/SayHello']);
    await using capped = await startTestServer({ servicers: [servicer('probe.js')], config: { maximumConcurrentRpcs: 1 } });
    const { probe } = capped.loadProto<{ probe: { v1: { Probe: typeof grpc.Client & { service: grpc.ServiceDefinition } } } }>(`${ROOT}test/fixtures/protos/probe.proto`);
    const client = capped.client(probe.v1.Probe) as grpc.Client & { sleep(order: object, done: (error: grpc.ServiceError | null) => void): void };
    const codes = await Promise.all([1, 2].map(() => new Promise((resolve) => client.sleep({ ms: 100 }, (error) => resolve(error?.code ?? 0)))));
    assert.deepEqual(codes.sort(), [grpc.status.OK, grpc.status.RESOURCE_EXHAUSTED]);
  });

  test('speaks TLS when the config does, and its clients trust it', async () => {
    using certificates = await TestCertificates.make();
    await using server = await startTestServer({ servicers: [greeter], config: certificates.tls });
    assert.equal((await hello(greeterOf(server))).message, 'Hi, Ada');
  });

  test('has clients of classes from another copy of grpc-js', async () => {
    await using server = await startTestServer({ servicers: [greeter] });
    const { helloworld } = server.loadProto<Proto>(PROTO);
    const Other = otherGrpc.makeGenericClientConstructor(helloworld.Greeter.service, 'Greeter');
    const client = server.client(Other as unknown as Proto['helloworld']['Greeter']);
    assert.equal((await hello(client)).message, 'Hi, Ada');
  });

  test('closes calls, connections, clients and what servicers hold, and a second close does nothing', async () => {
    const begun = deferred<AbortSignal>();
    const done: string[] = [];
    const own = defineServicer((server, context) => {
      context.onShutdown(() => done.push('hook'));
      context.signal.addEventListener('abort', () => done.push('signal'));
      const endless = (_: unknown, call: { signal: AbortSignal }): Promise<never> => {
        begun.resolve(call.signal);
        return new Promise(() => undefined);
      };
      server.addService(context.loadProto<Proto>(PROTO).helloworld.Greeter.service, asyncHandlers({ SayHello: endless, SayHelloManyWays: () => [], SayHelloToAll: () => ({}), SayHelloToEach: () => [] }));
    });
    const server = await startTestServer({ servicers: [own] });
    const outcome = hello(greeterOf(server)).catch((error: unknown) => (error as grpc.ServiceError).code);
    const signal = await begun.promise;
    await server.close();
    await server.close();
    assert.ok([grpc.status.CANCELLED, grpc.status.UNAVAILABLE].includes(await outcome as grpc.status));
    assert.equal(signal.aborted, true);
    assert.deepEqual(done, ['signal', 'hook']);
  });

  test('says what is wrong as check does, and leaves nothing', async () => {
    await assert.rejects(startTestServer({}), { code: 'E_CONFIG_VALUE', message: /servicers is not set/ });
    await assert.rejects(startTestServer({ servicers: [greeter], config: { maxWorker: 1 } as object }), { code: 'E_CONFIG_KEY', hint: /maxWorkers/ });
    await assert.rejects(startTestServer({ servicers: ['./none.js'] }), { code: 'E_SERVICER', message: /none\.js: there is no such file/ });
    await assert.rejects(startTestServer({ servicers: [greeter, greeter] }), { code: 'E_SERVICER', message: /helloworld\.Greeter is added/ });
    await assert.rejects(startTestServer({ servicers: [greeter], interceptors: ['./none.js'] }), { code: 'E_INTERCEPTOR' });
  });
});

test('startTestDaemon runs the real daemon and leaves no process and no file', async () => {
  await using daemon = await startTestDaemon({ servicers: [GREETER], args: ['--max-workers', '2', '--no-reflection'], env: testEnvironment(), folder: ROOT });
  const { message, worker } = await hello(greeterOf(daemon));
  assert.equal(message, 'Hello, Ada!');
  assert.notEqual(worker?.pid, process.pid);
  const runtime = /"runtimeDir":"([^"]+)"/.exec(daemon.output)?.[1];
  await daemon.close();
  assert.throws(() => process.kill(daemon.pid, 0), { code: 'ESRCH' });
  assert.ok(runtime === undefined || !existsSync(runtime));
});

test('startTestDaemon rejects with what a daemon printed that does not start', async () => {
  const refused = startTestDaemon({ servicers: ['./none.js'], env: testEnvironment(), folder: ROOT });
  await assert.rejects(refused, /ended before it was ready[^]*none\.js: there is no such file/);
});

/** Runs a program to its end. */
const runNode = (args: readonly string[], cwd: string): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [...args], { cwd, env: testEnvironment(), timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr }));
  });

const USE = `async function use({ startTestServer }) {
  for (const transport of ['http2', 'lean']) {
    const server = await startTestServer({ config: { transport }, servicers: [${JSON.stringify(GREETER)}] });
    const { helloworld } = server.loadProto(${JSON.stringify(PROTO)});
    const client = server.client(helloworld.Greeter);
    const { message } = await new Promise((resolve, reject) => client.sayHello({ name: 'Ada' }, (error, reply) => (error ? reject(error) : resolve(reply))));
    await server.close();
    // Node counts a handle until the end of the turn in which it was closed.
    await new Promise((resolve) => setTimeout(resolve, 1));
    console.log(message, process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap|Immediate)$/.test(name)).join() || 'nothing left');
  }
}
`;

test('a program that imports or requires the package ends by itself: no handle is left', async () => {
  const url = JSON.stringify(`${ROOT}dist/testing.js`);
  for (const [name, head] of [['use.mjs', `import * as testing from ${url};\nawait use(testing);\n`], ['use.cjs', `void use(require(${url}));\n`]] as const) {
    using dir = new TempDir();
    const { code, output } = await runNode([dir.write(name, head + USE)], dir.path);
    assert.match(output, /^Hello, Ada! nothing left\nHello, Ada! nothing left\n/m, name);
    assert.equal(code, 0, output);
  }
});
