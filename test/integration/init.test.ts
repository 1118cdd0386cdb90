import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { startTestDaemon, type TestDaemon } from '#src/testing.js';
import { VERSION } from '#src/shared/version.js';
import { runCli, testEnvironment } from '../support/cli.js';
import { Deadline } from '../support/deadline.js';
import { installPackages, linkPackages, packPackage, run } from '../support/new-project.js';
import { NOBODY, notAsNobody } from '../support/ordinary-user.js';
import { BIN } from '../support/paths.js';
import { TempDir } from '../support/temp-dir.js';

interface Package {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}
const packageOf = (dir: TempDir, folder = '.'): Package => JSON.parse(readFileSync(dir.join(folder, 'package.json'), 'utf8')) as Package;

describe('grpcserverd init', () => {
  test('asks nothing when it is not on a terminal, and writes a TypeScript project named for its folder', async () => {
    using dir = new TempDir();
    const { code, stdout } = await runCli(['init', 'My Shop!'], { cwd: dir.path });
    assert.equal(code, 0);
    assert.match(stdout, /cd My Shop!\n {2}npm install\n {2}npm test\n {2}npm run dev/);
    const made = packageOf(dir, 'My Shop!');
    assert.equal(made.name, 'my-shop');
    assert.equal(made.dependencies.grpcserverd, `^${VERSION}`);
    assert.ok(existsSync(dir.join('My Shop!/src/servicers/greeter.ts')));
  });

  test('takes name, language and TLS from the command line, and says in JSON what it wrote', async () => {
    using dir = new TempDir();
    const { stdout } = await runCli(['init', '--yes', '--json', '--name', 'shop', '--language', 'javascript', '--tls'], { cwd: dir.path });
    const { folder, name, language, tls, files } = JSON.parse(stdout) as { folder: string; name: string; language: string; tls: boolean; files: string[] };
    assert.deepEqual({ name, language, tls }, { name: 'shop', language: 'javascript', tls: true });
    assert.equal(statSync(folder).ino, statSync(dir.path).ino);
    for (const file of files) assert.ok(existsSync(dir.join(file)), file);
    for (const file of ['credentials/server.key', 'grpcserverd.config.js', 'systemd/grpcserverd@shop.service.d/app.conf', 'Dockerfile', '.gitignore']) assert.ok(files.includes(file), file);
    assert.equal(statSync(dir.join('credentials/server.key')).mode & 0o077, 0);
    assert.match(readFileSync(dir.join('.gitignore'), 'utf8'), /^credentials\/$/m);
  });

  test('touches nothing when a file of its own is there, and does not mind others', async () => {
    using dir = new TempDir();
    dir.write('other.txt', 'mine');
    dir.write('proto/greeter.proto', 'mine');
    const { code, stderr } = await runCli(['init', '--yes'], { cwd: dir.path });
    assert.equal(code, 73);
    assert.match(stderr, /Nothing was written, because this exists already: .*proto\/greeter\.proto\.\ninit writes over nothing/);
    assert.deepEqual(dir.files().sort(), ['greeter.proto', 'other.txt']);
    using second = new TempDir();
    second.write('other.txt', 'mine');
    assert.equal((await runCli(['init', '--yes'], { cwd: second.path })).code, 0);
    assert.equal(readFileSync(second.join('other.txt'), 'utf8'), 'mine');
  });

  test('writes nothing where a file stands in the way of a folder', async () => {
    using dir = new TempDir();
    dir.write('src', 'a file');
    const { code, stderr } = await runCli(['init', '--yes'], { cwd: dir.path });
    assert.equal(code, 73);
    assert.match(stderr, /cannot be written: .*src/);
    assert.deepEqual(dir.files(), ['src']);
  });

  test('writes nothing into a folder that this user may not write', { skip: notAsNobody() }, () => {
    using dir = new TempDir();
    chmodSync(dir.path, 0o755);
    mkdirSync(dir.join('locked'), { mode: 0o755 });
    const { status, stderr } = spawnSync(process.execPath, [BIN, 'init', 'locked', '--yes'], { cwd: dir.path, uid: NOBODY, gid: NOBODY, encoding: 'utf8', env: testEnvironment() });
    assert.equal(status, 73);
    assert.match(stderr, /locked cannot be written: EACCES[^]*Name a folder that this user may write/);
    assert.deepEqual(dir.files('locked'), []);
  });

  test('refuses a name or a language that cannot be', async () => {
    using dir = new TempDir();
    for (const [args, message] of [
      [['--name', 'Shop One'], /--name Shop One: must be up to 64/],
      [['--language', 'cobol'], /typescript, javascript/],
    ] as const) {
      const { code, stderr } = await runCli(['init', '--yes', ...args], { cwd: dir.path });
      assert.equal(code, 64, stderr);
      assert.match(stderr, message);
    }
    assert.deepEqual(dir.files(), []);
  });
});

interface Client extends grpc.Client {
  SayHello(request: { name: string }, callback: (error: grpc.ServiceError | null, reply: { message: string }) => void): void;
}

async function greet(daemon: TestDaemon, project: TempDir): Promise<string> {
  const { greeter } = daemon.loadProto<{ greeter: { v1: { Greeter: new (...parameters: ConstructorParameters<typeof grpc.Client>) => Client } } }>(project.join('shop/proto/greeter.proto'));
  const client = daemon.client(greeter.v1.Greeter);
  return new Promise((resolve, reject) => client.SayHello({ name: 'Ada' }, (error, reply) => (error === null ? resolve(reply.message) : reject(error))));
}

/** The whole matrix, from the registry, under `npm run prove`; else one of each, with the packages that are here. */
const isProof = process.env.PROVE !== undefined;
const KINDS = [
  { language: 'typescript', tls: true },
  { language: 'javascript', tls: false },
  ...(isProof ? ([{ language: 'typescript', tls: false }, { language: 'javascript', tls: true }] as const) : []),
] as const;

describe('a project of init, with the packed package', () => {
  const packed = new TempDir();
  let tarball = '';
  before(() => {
    tarball = packPackage(packed.path);
  });
  after(() => packed[Symbol.dispose]());

  for (const { language, tls } of KINDS) {
    test(`tests, starts, answers and reloads: ${language}${tls ? ' with TLS' : ''}`, async (t) => {
      using dir = new TempDir();
      const deadline = new Deadline(300_000);
      await runCli(['init', 'shop', '--yes', '--language', language, ...(tls ? ['--tls'] : [])], { cwd: dir.path });
      const project = dir.join('shop');
      if (isProof) {
        const installed = await installPackages(project, tarball);
        if (installed.code !== 0) {
          t.skip(`npm install does not work here: ${installed.output.slice(-300)}`);
          return;
        }
      } else {
        linkPackages(project, tarball);
      }
      const isTypescript = language === 'typescript';
      if (isTypescript) {
        for (const script of ['generate', 'types']) {
          const { code, output } = await run(project, 'npm', ['run', '--silent', script]);
          assert.equal(code, 0, output);
        }
      }
      const tested = await run(project, 'npm', ['test', '--silent']);
      assert.equal(tested.code, 0, tested.output);
      assert.match(tested.output, /pass 3/);

      const config = `grpcserverd.config.${isTypescript ? 'ts' : 'js'}`;
      const credentials = tls ? grpc.credentials.createSsl(readFileSync(dir.join('shop/credentials/ca.crt'))) : grpc.credentials.createInsecure();
      const options = { folder: project, credentials, env: testEnvironment(), startTimeout: 60_000 };
      {
        await using daemon = await startTestDaemon({ ...options, config, args: ['--autoreload'] });
        assert.equal(await greet(daemon, dir), 'Hello, Ada!');
        const servicer = dir.join(`shop/src/servicers/greeter.${isTypescript ? 'ts' : 'js'}`);
        writeFileSync(servicer, readFileSync(servicer, 'utf8').replaceAll('Hello, ', 'Ahoy, '));
        await deadline.poll(async () => ((await greet(daemon, dir)) === 'Ahoy, Ada!' ? true : undefined), 'the new greeting', () => daemon.output);
      }
      if (isTypescript) {
        const built = await run(project, 'npm', ['run', '--silent', 'build']);
        assert.equal(built.code, 0, built.output);
        await using daemon = await startTestDaemon({ ...options, config: 'dist/grpcserverd.config.js', env: { ...options.env, NODE_ENV: 'production', CREDENTIALS_DIRECTORY: dir.join('shop/credentials') }, args: ['--max-workers', '1'] });
        assert.equal(await greet(daemon, dir), 'Ahoy, Ada!');
      }
    });
  }

  test('its scripts are commands that there are', async () => {
    using dir = new TempDir();
    await runCli(['init', '--yes', '--tls'], { cwd: dir.path });
    linkPackages(dir.path, tarball);
    const { scripts } = packageOf(dir);
    assert.equal(scripts.start, 'grpcserverd start');
    assert.equal(scripts.dev, 'grpcserverd start --autoreload --log-format pretty');
    const { code, output } = await run(dir.path, 'npm', ['run', '--silent', 'check']);
    assert.equal(code, 0, output);
    assert.match(output, /greeter\.v1\.Greeter/);
    assert.equal((await run(dir.path, 'npm', ['run', '--silent', 'certs', '--', '--force'])).code, 0);
  });
});
