import { CREDENTIALS, settings, type ProjectFile, type ProjectPlan } from './project-plan.js';

const SERVICER = `import { asyncHandlers, defineServicer, RpcError } from 'grpcserverd';

export const grpcHook = defineServicer((server, context) => {
  const { greeter } = context.loadProto('../../proto/greeter.proto');

  server.addService(
    greeter.v1.Greeter.service,
    asyncHandlers({
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
import { status } from '@grpc/grpc-js';
import { startTestServer } from 'grpcserverd/testing';

let server;
let client;

before(async () => {
  server = await startTestServer({ config: 'grpcserverd.config.js' });
  const { greeter } = server.loadProto('proto/greeter.proto');
  client = server.client(greeter.v1.Greeter);
});

after(() => server.close());

const sayHello = (name) =>
  new Promise((resolve, reject) => {
    client.SayHello({ name }, (error, reply) => (error ? reject(error) : resolve(reply.message)));
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
  const messages = [];
  for await (const { message } of call) messages.push(message);
  assert.deepEqual(messages, ['Hello, Ada!', 'Hello, Grace!']);
});
`;

export function javascriptFiles(plan: ProjectPlan): ProjectFile[] {
  const config = `import { defineConfig } from 'grpcserverd';

${plan.tls ? CREDENTIALS : ''}export default defineConfig({
${settings(plan, './src/servicers/greeter.js')}});
`;
  return [
    ['grpcserverd.config.js', config],
    ['src/servicers/greeter.js', SERVICER],
    ['test/greeter.test.js', TEST],
  ];
}
