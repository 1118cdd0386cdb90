// A saved file is a reload: of every kind of file, and one for each save, however it was written.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import type { LogRecord } from '../support/daemon-log.js';
import { BIN, ROOT } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

const PROTO = readFileSync(`${ROOT}test/fixtures/protos/probe.proto`, 'utf8');

/** A servicer whose answer holds a word of each of its files. */
const APP = {
  'package.json': '{"type":"module"}',
  'app/servicer.js': `
    import { readFileSync } from 'node:fs';
    import { createRequire } from 'node:module';
    import { deep } from './esm.js';
    const require = createRequire(import.meta.url);
    const { required } = require('./commonjs.cjs');
    const words = { servicer: 'one', deep, required };
    export function grpcHook(server, context) {
      const { probe } = context.loadProto('../protos/probe.proto');
      const answer = async (call, callback) => {
        if (call.request.how === 'lazily') words.lazy = (await import('./lazy.js')).lazy;
        callback(null, { body: Buffer.from(JSON.stringify(words)) });
      };
      server.addService(probe.v1.Misbehaviour.service, { answer, stream: (call) => call.end() });
    }`,
  'app/esm.js': "export { deep } from './deeper.js';",
  'app/deeper.js': "export const deep = 'one';",
  'app/commonjs.cjs': "exports.required = require('./nested.cjs');",
  'app/nested.cjs': "module.exports = 'one';",
  'app/lazy.js': "export const lazy = 'one';",
  'app/typed.ts': "import { word } from './typed-too';\nexport function grpcHook(): void { console.log(word satisfies string); }",
  'app/typed-too.ts': "export const word: string = 'typed one';",
  'protos/probe.proto': PROTO,
  'notes/unrelated.txt': 'one',
};

const config: UserConfig = { servicers: ['./app/servicer.js', './app/typed.ts'], autoreload: true };

function startApp(settings: UserConfig = {}, files: Readonly<Record<string, string>> = {}): Promise<Daemon> {
  return startDaemon({ config: { ...config, ...settings }, files: { ...APP, ...files }, deadline: 180_000 });
}

/** Waits until all that the workers have loaded is watched. */
async function watched(daemon: Daemon): Promise<void> {
  await daemon.waitFor('autoreload.watching', ({ files }) => Number(files) > 5);
}

/** The words of a new connection's worker. */
async function words(daemon: Daemon, how = ''): Promise<Readonly<Record<string, string>>> {
  await using probe = new GrpcJsProbe(daemon.address);
  const { messages, code, details } = await daemon.until(probe.call('Misbehaviour/Answer', { how }), 'an answer');
  assert.equal(code, 'OK', details);
  return JSON.parse(String((messages[0] as { readonly body?: Buffer }).body)) as Record<string, string>;
}

/** Does something to files, and returns how the reload ended that it leads to, once everything has settled. */
async function reloadBy(daemon: Daemon, act: () => void): Promise<LogRecord> {
  const count = daemon.log.all('reload.ended').length;
  act();
  return daemon.waitFor('reload.ended', {}, count + 1);
}

/** No reload may follow: another file is saved in the same moment, and the reload that follows names that one alone. */
async function assertIgnored(daemon: Daemon, act: () => void): Promise<void> {
  act();
  const { cause } = await reloadBy(daemon, () => daemon.dir.write('app/nested.cjs', `module.exports = 'after ${performance.now()}';`));
  assert.equal(cause, 'app/nested.cjs');
}

describe('with autoreload', () => {
  let daemon: Daemon;
  let certificates: TestCertificates;
  before(async () => {
    certificates = await TestCertificates.make();
    daemon = await startApp();
    await watched(daemon);
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    certificates[Symbol.dispose]();
  });

  for (const [kind, path, text, key] of [
    ['an ES module that a module imports', 'app/deeper.js', "export const deep = 'two';", 'deep'],
    ['a CommonJS module that a module requires', 'app/nested.cjs', "module.exports = 'two';", 'required'],
    ['the servicer itself', 'app/servicer.js', APP['app/servicer.js'].replace("servicer: 'one'", "servicer: 'two'"), 'servicer'],
  ] as const) {
    test(`a save of ${kind} is a reload to the new code`, async () => {
      const { cause, verdict, error } = await reloadBy(daemon, () => daemon.dir.write(path, text));
      assert.deepEqual([cause, verdict, error], [path, 'done', null]);
      assert.equal((await words(daemon))[key], 'two');
      const answered = daemon.log.all('autoreload.answered').at(-1);
      assert.equal(answered?.cause, path);
      assert.ok(Number(answered.ms) > 0 && Number(answered.ms) < 30_000, `${String(answered.ms)} ms`);
    });
  }

  test('a save of TypeScript that TypeScript imports is a reload', async () => {
    const { cause } = await reloadBy(daemon, () => daemon.dir.write('app/typed-too.ts', "export const word: string = 'typed two';"));
    assert.equal(cause, 'app/typed-too.ts');
    assert.ok(daemon.log.all('worker.console', { line: 'typed two' }).length > 0);
  });

  test('a save of a proto is a reload', async () => {
    assert.equal((await reloadBy(daemon, () => daemon.dir.write('protos/probe.proto', `${PROTO}\n// saved\n`))).cause, 'protos/probe.proto');
  });

  test('a file that was loaded while calls were served is watched too', async () => {
    assert.equal((await words(daemon, 'lazily')).lazy, 'one');
    const before = Number(daemon.log.all('autoreload.watching').at(-1)?.files);
    await daemon.waitFor('autoreload.watching', { files: before + 1 });
    assert.equal((await reloadBy(daemon, () => daemon.dir.write('app/lazy.js', "export const lazy = 'two';"))).cause, 'app/lazy.js');
    assert.equal((await words(daemon, 'lazily')).lazy, 'two');
  });

  test('a save of the config is a reload; what it names from then on is watched', async () => {
    copyFileSync(certificates.server.cert, daemon.dir.join('server.crt'));
    const tls: UserConfig = { ...certificates.tls, certificates: { ...certificates.tls.certificates, serverCertificate: './server.crt' } };
    const save = (settings: UserConfig): unknown =>
      daemon.dir.write('grpcserverd.config.json', JSON.stringify({ ...config, maxWorkers: 1, host: '127.0.0.1', port: 0, ...settings }));
    const { cause, verdict } = await reloadBy(daemon, () => save(tls));
    assert.deepEqual([cause, verdict], ['grpcserverd.config.json', 'done']);

    const expired = await reloadBy(daemon, () => copyFileSync(certificates.expired.cert, daemon.dir.join('server.crt')));
    assert.deepEqual([expired.cause, expired.verdict], ['server.crt', 'refused']);
    const renewed = await reloadBy(daemon, () => copyFileSync(certificates.server.cert, daemon.dir.join('server.crt')));
    assert.deepEqual([renewed.cause, renewed.verdict], ['server.crt', 'done']);
    assert.equal((await reloadBy(daemon, () => save({}))).verdict, 'done');
  });

  test('a file that is touched, or written again as it was, is no reload', async () => {
    await assertIgnored(daemon, () => {
      const now = new Date();
      utimesSync(daemon.dir.join('app/deeper.js'), now, now);
      daemon.dir.write('app/esm.js', APP['app/esm.js']);
    });
  });

  test('a file that nobody loaded is no reload', async () => {
    await assertIgnored(daemon, () => {
      daemon.dir.write('notes/unrelated.txt', 'two');
      daemon.dir.write('app/unused.js', 'export {};');
    });
  });

  test('an editor that writes beside the file and renames is one reload, time and again', async () => {
    for (const word of ['renamed', 'renamed again']) {
      const { cause } = await reloadBy(daemon, () => {
        daemon.dir.write('app/.deeper.js.swp', `export const deep = '${word}';`);
        renameSync(daemon.dir.join('app/.deeper.js.swp'), daemon.dir.join('app/deeper.js'));
      });
      assert.equal(cause, 'app/deeper.js');
      assert.equal((await words(daemon)).deep, word);
    }
  });

  test('forty saves in a second are one reload, to the last of them', async () => {
    const ended = daemon.log.all('reload.ended').length;
    for (let save = 1; save <= 40; save += 1) {
      daemon.dir.write('app/deeper.js', `export const deep = 'save ${save}';`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await daemon.waitFor('reload.ended', {}, ended + 1);
    assert.equal((await words(daemon)).deep, 'save 40');
    await assertIgnored(daemon, () => undefined);
    assert.equal(daemon.log.all('reload.ended').length, ended + 2);
  });

  test('a save during a reload is one more, to the code that was saved', async () => {
    const [ended, started] = [daemon.log.all('reload.ended').length, daemon.log.all('reload.started').length];
    daemon.dir.write('app/deeper.js', "export const deep = 'before';");
    await daemon.waitFor('reload.started', {}, started + 1);
    daemon.dir.write('app/deeper.js', "export const deep = 'during';");
    daemon.dir.write('app/nested.cjs', "module.exports = 'during';");
    await daemon.waitFor('reload.ended', {}, ended + 2);
    const { deep, required } = await words(daemon);
    assert.deepEqual([deep, required], ['during', 'during']);
    await assertIgnored(daemon, () => undefined);
    assert.equal(daemon.log.all('reload.ended').length, ended + 3);
  });

  test('a folder that goes and comes back, with other content, is watched on', async () => {
    renameSync(daemon.dir.join('app'), daemon.dir.join('away'));
    await daemon.waitFor('reload.ended', { verdict: 'rolled-back' });
    const { verdict } = await reloadBy(daemon, () => {
      rmSync(daemon.dir.join('away/deeper.js'));
      renameSync(daemon.dir.join('away'), daemon.dir.join('app'));
      daemon.dir.write('app/deeper.js', "export const deep = 'back';");
    });
    if (verdict !== 'done') await daemon.waitFor('reload.ended', { verdict: 'done' }, daemon.log.all('reload.ended', { verdict: 'done' }).length + 1);
    assert.equal((await words(daemon)).deep, 'back');
    assert.equal((await reloadBy(daemon, () => daemon.dir.write('app/deeper.js', "export const deep = 'on';"))).verdict, 'done');
    assert.equal((await words(daemon)).deep, 'on');
  });
});

test('a broken save is rolled back, and mending it, even in a file that never ran, is a reload', async () => {
  await using daemon = await startApp();
  await watched(daemon);
  const broken = await reloadBy(daemon, () => {
    daemon.dir.write('app/new.cjs', 'exports.new = ;');
    daemon.dir.write('app/commonjs.cjs', "exports.required = require('./nested.cjs') + require('./new.cjs').new;");
  });
  assert.deepEqual([broken.verdict, broken.cause, broken.generation], ['rolled-back', 'app/commonjs.cjs', 1]);
  assert.match(String(broken.error), /new\.cjs:1:/);
  assert.equal((await words(daemon)).required, 'one');

  const missing = await reloadBy(daemon, () => daemon.dir.write('app/new.cjs', "exports.new = require('./newer.cjs');"));
  assert.deepEqual([missing.verdict, missing.cause], ['rolled-back', 'app/new.cjs']);
  const mended = await reloadBy(daemon, () => daemon.dir.write('app/newer.cjs', "module.exports = ' and more';"));
  assert.deepEqual([mended.verdict, mended.cause], ['done', 'app/newer.cjs']);
  assert.equal((await words(daemon)).required, 'one and more');
  const status = await daemon.status();
  assert.equal(status.health, 'healthy');
});

test('a missing or broken ES module of a failed reload is a reload once it is there', async () => {
  await using daemon = await startApp();
  await watched(daemon);
  const missing = await reloadBy(daemon, () => daemon.dir.write('app/esm.js', "export { deep } from './elsewhere/new.js';"));
  assert.equal(missing.verdict, 'rolled-back');
  const broken = await reloadBy(daemon, () => {
    mkdirSync(daemon.dir.join('app/elsewhere'));
    daemon.dir.write('app/elsewhere/new.js', 'export const = 5;');
  });
  assert.deepEqual([broken.verdict, broken.cause], ['rolled-back', 'app/elsewhere/new.js']);
  const mended = await reloadBy(daemon, () => daemon.dir.write('app/elsewhere/new.js', "export const deep = 'new';"));
  assert.equal(mended.verdict, 'done');
  assert.equal((await words(daemon)).deep, 'new');
});

test('a package that is linked into node_modules is watched, one that is installed there is not', async () => {
  await using daemon = await startApp({}, {
    'workspace/linked/package.json': '{"type":"module","exports":"./index.js"}',
    'workspace/linked/index.js': "export const linked = 'one';",
    'node_modules/installed/package.json': '{"type":"module","exports":"./index.js"}',
    'node_modules/installed/index.js': "export const installed = 'one';",
  });
  await watched(daemon);
  symlinkSync('../workspace/linked', daemon.dir.join('node_modules/linked'));
  await reloadBy(daemon, () =>
    daemon.dir.write('app/esm.js', "import { linked } from 'linked';\nimport { installed } from 'installed';\nexport const deep = linked + installed;"));
  assert.equal((await words(daemon)).deep, 'oneone');
  await assertIgnored(daemon, () => daemon.dir.write('node_modules/installed/index.js', "export const installed = 'two';"));
  assert.equal((await reloadBy(daemon, () => daemon.dir.write('workspace/linked/index.js', "export const linked = 'two';"))).cause, 'workspace/linked/index.js');
});

test('a git checkout of five hundred files is one reload', async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`app/many/m${index}.js`, `export const m${index} = 'one';`]));
  const index = Object.keys(many).map((_, number) => `export * from './many/m${number}.js';`).join('\n');
  await using daemon = await startApp({}, { ...many, 'app/index.js': index, 'app/esm.js': "import './index.js';\nexport { deep } from './deeper.js';" });
  await daemon.waitFor('autoreload.watching', ({ files }) => Number(files) > 500);
  const git = (...args: string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main', ...args], { cwd: daemon.dir.path, stdio: 'ignore' });
  git('init');
  git('add', 'app');
  git('commit', '-m', 'one');
  git('checkout', '-b', 'other');
  // On the other branch every file is another, which no watcher sees before the checkout back.
  const { cause } = await reloadBy(daemon, () => {
    for (const path of Object.keys(many)) daemon.dir.write(path, `${many[path]} // other`);
    daemon.dir.write('app/deeper.js', "export const deep = 'other';");
  });
  assert.match(String(cause), /and (?:49|50)\d more$/);
  git('commit', '-am', 'other');
  const back = await reloadBy(daemon, () => git('checkout', 'main'));
  assert.match(String(back.cause), /and (?:49|50)\d more$/);
  assert.equal(back.verdict, 'done');
  assert.equal((await words(daemon)).deep, 'one');
  await assertIgnored(daemon, () => undefined);
  assert.equal(daemon.log.all('reload.ended').length, 3);
});

test('watch.include adds files, watch.exclude takes some away, and both follow a reload, as autoreload itself does', async () => {
  const settings: UserConfig = { watch: { include: ['notes/**/*.txt'], exclude: ['app/lazy.js', 'notes/drafts'] } };
  await using daemon = await startApp(settings, { 'notes/deep/er/note.txt': 'one' });
  await watched(daemon);
  assert.equal((await reloadBy(daemon, () => daemon.dir.write('notes/deep/er/note.txt', 'two'))).cause, 'notes/deep/er/note.txt');
  assert.equal((await reloadBy(daemon, () => daemon.dir.write('notes/brand-new/note.txt', 'one'))).cause, 'notes/brand-new/note.txt');
  await words(daemon, 'lazily');
  await assertIgnored(daemon, () => {
    daemon.dir.write('notes/drafts/note.txt', 'one');
    daemon.dir.write('notes/note.md', 'one');
    daemon.dir.write('app/lazy.js', "export const lazy = 'two';");
  });

  const save = (changes: UserConfig): unknown =>
    daemon.dir.write('grpcserverd.config.json', JSON.stringify({ ...config, maxWorkers: 1, host: '127.0.0.1', port: 0, ...changes }));
  await reloadBy(daemon, () => save({}));
  await assertIgnored(daemon, () => daemon.dir.write('notes/deep/er/note.txt', 'three'));
  await reloadBy(daemon, () => save({ autoreload: false }));
  const ended = daemon.log.all('reload.ended').length;
  const watching = daemon.log.all('autoreload.watching').length;
  daemon.dir.write('app/deeper.js', "export const deep = 'unseen';");
  save({});
  assert.equal((await reloadBy(daemon, () => daemon.signal('SIGHUP'))).cause, 'SIGHUP');
  await daemon.waitFor('autoreload.watching', {}, watching + 1);
  assert.equal((await reloadBy(daemon, () => daemon.dir.write('app/deeper.js', "export const deep = 'seen';"))).cause, 'app/deeper.js');
  assert.equal(daemon.log.all('reload.ended').length, ended + 2);
});

test('a proto that is read with proto-loader itself is watched too', async () => {
  const servicer = `
    import { createRequire } from 'node:module';
    const require = createRequire(${JSON.stringify(`${ROOT}package.json`)});
    const path = new URL('../protos/plain.proto', import.meta.url).pathname;
    const { loadPackageDefinition } = require('@grpc/grpc-js');
    export function grpcHook(server) {
      const { probe } = loadPackageDefinition(require('@grpc/proto-loader').loadSync(path));
      server.addService(probe.v1.Misbehaviour.service, { answer: (call, callback) => callback(null, {}), stream: (call) => call.end() });
    }`;
  await using daemon = await startApp({ servicers: ['./app/plain.js'] }, { 'app/plain.js': servicer, 'protos/plain.proto': PROTO });
  await daemon.waitFor('autoreload.watching', ({ files }) => Number(files) >= 3);
  assert.equal((await reloadBy(daemon, () => daemon.dir.write('protos/plain.proto', `${PROTO}\n// saved\n`))).cause, 'protos/plain.proto');
});

/** Leaves a daemon one inotify watch: the limit belongs to a user namespace, and one of our own needs no rights. */
const ONE_WATCH = 'echo 1 > /proc/sys/user/max_inotify_watches && exec "$@"';
const canLimit = spawnSync('unshare', ['--user', '--map-root-user', 'sh', '-c', ONE_WATCH, 'sh', 'true']).status === 0;

test('out of inotify watches, files are polled, and the log says so', { skip: canLimit ? false : 'needs unshare and user namespaces' }, async () => {
  await using daemon = await startDaemon({
    config: { servicers: ['./app/servicer.js'], autoreload: true },
    files: APP,
    launcher: ['unshare', '--user', '--map-root-user', 'sh', '-c', ONE_WATCH, 'sh', process.execPath, BIN, 'start'],
    deadline: 90_000,
  });
  const { level, error } = await daemon.waitFor('autoreload.polling');
  assert.equal(level, 'warn');
  assert.match(String(error), /^ENOSPC/);
  await daemon.waitFor('autoreload.watching', ({ files, by }) => Number(files) > 5 && by === 'polling');
  assert.equal((await reloadBy(daemon, () => daemon.dir.write('app/deeper.js', "export const deep = 'two';"))).cause, 'app/deeper.js');
  assert.equal((await words(daemon)).deep, 'two');
});
