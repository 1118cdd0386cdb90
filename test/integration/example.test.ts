// What the README's first two commands do.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { loadPackageDefinition, credentials, type Client, type GrpcObject, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { testEnvironment } from '../support/cli.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { ROOT } from '../support/paths.js';

const run = promisify(execFile);
const greet = (...args: string[]) => run(process.execPath, [`${ROOT}examples/helloworld/client.js`, ...args], { env: testEnvironment() });

interface Reply {
  readonly message: string;
  readonly worker: { readonly slot: number; readonly pid: number; readonly generation: number };
}

for (const file of ['greeter.js', 'greeter.ts']) {
  describe(`the example ${file}`, () => {
    let daemon: Daemon;
    let greeter: Client & Record<string, (...args: unknown[]) => NodeJS.ReadWriteStream>;
    before(async () => {
      daemon = await startDaemon({ config: { servicers: [`${ROOT}examples/helloworld/${file}`], maxWorkers: 2 } });
      const proto = loadPackageDefinition(loadSync(`${ROOT}examples/helloworld/helloworld.proto`));
      const { Greeter } = proto.helloworld as GrpcObject;
      greeter = new (Greeter as ServiceClientConstructor)(daemon.address, credentials.createInsecure()) as typeof greeter;
    });
    after(async () => {
      greeter.close();
      await daemon[Symbol.asyncDispose]();
    });

    const replies = async (stream: NodeJS.ReadWriteStream | undefined): Promise<string[]> => {
      const messages: string[] = [];
      for await (const reply of stream ?? []) messages.push((reply as unknown as Reply).message);
      return messages;
    };

    test('greets, and the client prints who answered', async () => {
      const { stdout } = await greet('Ada', '--address', daemon.address);
      const [, slot, pid] = /^Hello, Ada! +\(worker (\d), pid (\d+), generation 1\)\n$/.exec(stdout) ?? assert.fail(stdout);
      assert.equal(Number(pid), daemon.workerPid(Number(slot)));
    });

    test('greets in many ways', async () => {
      const messages = await replies(greeter.sayHelloManyWays?.({ name: 'Ada' }));
      assert.deepEqual(messages.slice(0, 3), ['Hello, Ada!', 'Bonjour, Ada!', 'Hallo, Ada!']);
    });

    test('greets all at once', async () => {
      const reply = await new Promise<Reply>((resolve, reject) => {
        const call = greeter.sayHelloToAll?.((error: Error | null, answer: Reply) => (error === null ? resolve(answer) : reject(error)));
        for (const name of ['Ada', 'Grace', 'Edsger']) call?.write({ name } as never);
        call?.end();
      });
      assert.equal(reply.message, 'Hello, Ada, Grace, Edsger!');
    });

    test('greets each one', async () => {
      const call = greeter.sayHelloToEach?.();
      for (const name of ['Ada', 'Grace']) call?.write({ name } as never);
      call?.end();
      assert.deepEqual(await replies(call), ['Hello, Ada!', 'Hello, Grace!']);
    });
  });
}

test('greeter.ts compiles against the types of the package', async () => {
  const tsc = `${ROOT}node_modules/typescript/bin/tsc`;
  const strict = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', 'node'];
  const { stdout } = await run(process.execPath, [tsc, ...strict, `${ROOT}examples/helloworld/greeter.ts`], { cwd: ROOT }).catch((error: unknown) => error as { stdout: string });
  assert.equal(stdout, '');
});

test('the client says so when no server answers', async () => {
  const failed = (await greet('--address', '127.0.0.1:1').catch((error: unknown) => error)) as { code: number; stdout: string; stderr: string };
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /^No server answers at 127\.0\.0\.1:1\. Start one with: npm start\n/);
});

test('the config of npm start runs the example with two workers', async () => {
  await using daemon = await startDaemon({ noConfig: true, args: ['--port', '0'], cwd: ROOT });
  const { workers } = await daemon.status();
  assert.equal(workers.length, 2);
  assert.match((await greet('--address', daemon.address)).stdout, /^Hello, World!/);
});

for (const [title, signal] of [['a TERM for npm', 'SIGTERM'], ['Ctrl-C', 'SIGINT']] as const) {
  test(`npm start passes ${title} on to the daemon, which stops gracefully`, async () => {
    await using daemon = await startDaemon({ noConfig: true, launcher: ['npm', 'start', '--silent', '--'], args: ['--port', '0'], cwd: ROOT });
    if (signal === 'SIGTERM') daemon.signal(signal);
    else daemon.signalGroup(signal);
    await daemon.waitFor('daemon.stopping', { cause: signal, quick: false });
    assert.deepEqual(await daemon.until(daemon.exit, 'the exit of npm'), { code: 0, signal: null });
    assert.equal(daemon.log.all('daemon.stopped').length, 1);
  });
}
