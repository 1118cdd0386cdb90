import { CREDENTIALS, settings, type ProjectFile, type ProjectPlan } from './project-plan.js';

const SERVICER = `import { asyncHandlers, defineServicer, RpcError } from 'grpcserverd';
import type { ProtoGrpcType } from '../generated/greeter.js';
import type { GreeterHandlers } from '../generated/greeter/v1/Greeter.js';

export const grpcHook = defineServicer((server, context) => {
  const { greeter } = context.loadProto<ProtoGrpcType>('../../proto/greeter.proto');

  server.addService(
    greeter.v1.Greeter.service,
    asyncHandlers<GreeterHandlers>({
      async SayHello({ name }) {
        if (name === '') throw new RpcError('INVALID_ARGUMENT', 'Who is to be greeted?');
        return { message: \`Hello, \${name}!\` };
      },

      async *GreetEach(requests) {
        for await (const { name } of requests) yield { message: \`Hello, \${name}!\` };
      },
    }),
  );
});
`;

const TEST = `import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status, type ServiceError } from '@grpc/grpc-js';
import { startTestServer, type TestServer } from 'grpcserverd/testing';
import type { ProtoGrpcType } from '../src/generated/greeter.js';
import type { GreeterClient } from '../src/generated/greeter/v1/Greeter.js';

let server: TestServer;
let client: GreeterClient;

before(async () => {
  server = await startTestServer({ config: 'grpcserverd.config.ts' });
  const { greeter } = server.loadProto<ProtoGrpcType>('proto/greeter.proto');
  client = server.client(greeter.v1.Greeter);
});

after(() => server.close());

const sayHello = (name: string): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    client.SayHello({ name }, (error: ServiceError | null, reply) => (error ? reject(error) : resolve(reply?.message)));
  });

test('greets by name', async () => {
  assert.equal(await sayHello('Ada'), 'Hello, Ada!');
});

test('greets nobody without a name', async () => {
  await assert.rejects(sayHello(''), { code: status.INVALID_ARGUMENT, details: 'Who is to be greeted?' });
});

test('greets everyone in a stream', async () => {
  const call = client.GreetEach();
  call.write({ name: 'Ada' });
  call.write({ name: 'Grace' });
  call.end();
  const messages: string[] = [];
  for await (const { message } of call) messages.push(message);
  assert.deepEqual(messages, ['Hello, Ada!', 'Hello, Grace!']);
});
`;

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    lib: ['ES2023', 'ESNext.Disposable'],
    types: ['node'],
    module: 'NodeNext',
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    rootDir: '.',
    outDir: 'dist',
    sourceMap: true,
    noEmit: true,
  },
  include: ['grpcserverd.config.ts', 'src', 'test'],
};
const TSCONFIG_BUILD = { extends: './tsconfig.json', compilerOptions: { noEmit: false }, include: ['grpcserverd.config.ts', 'src'] };

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export function typescriptFiles(plan: ProjectPlan): ProjectFile[] {
  const config = `import { defineConfig } from 'grpcserverd';

${plan.tls ? CREDENTIALS : ''}export default defineConfig({
${settings(plan, './src/servicers/greeter.ts')}});
`;
  return [
    ['grpcserverd.config.ts', config],
    ['src/servicers/greeter.ts', SERVICER],
    ['test/greeter.test.ts', TEST],
    ['tsconfig.json', json(TSCONFIG)],
    ['tsconfig.build.json', json(TSCONFIG_BUILD)],
  ];
}
