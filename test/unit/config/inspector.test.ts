import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { inspectServices, loadConfigFile } from '#src/config/inspector.js';
import type { Config } from '#src/config/options.js';
import { resolveConfig } from '#src/config/resolve.js';
import { DaemonError } from '#src/shared/errors.js';
import { Deadline } from '../../support/deadline.js';
import { ROOT } from '../../support/paths.js';
import { isAlive } from '../../support/processes.js';
import { TempDir } from '../../support/temp-dir.js';

/** A module that tells the pid of the process which loads it. */
const tellPid = (file: string): string => `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(file)}, String(process.pid));\n`;

const SERVICE = `
const method = (path, requestStream, responseStream) => ({
  path, requestStream, responseStream,
  requestSerialize: Buffer.from, requestDeserialize: String, responseSerialize: Buffer.from, responseDeserialize: String,
});
export const definition = (name) => ({
  One: method(\`/\${name}/One\`, false, false), Up: method(\`/\${name}/Up\`, true, false),
  Down: method(\`/\${name}/Down\`, false, true), Chat: method(\`/\${name}/Chat\`, true, true),
});
`;

/** A config with these modules, each written to the folder. */
function configOf(dir: TempDir, modules: Record<string, string>, more: object = {}): Config {
  dir.write('service.mjs', SERVICE);
  const servicers = Object.entries(modules).map(([name, text]) => dir.write(name, text));
  return resolveConfig({ file: { path: dir.join('x.yaml'), data: { servicers, ...more } }, env: {}, flags: {}, cwd: dir.path }).config;
}

const adds = (service: string): string => `import { definition } from './service.mjs';\nexport const grpcHook = (server) => server.addService(definition('${service}'), {});\n`;

describe('a config file', () => {
  test('is data when it comes out, special numbers included', async () => {
    using dir = new TempDir();
    assert.deepEqual(await loadConfigFile(dir.write('x.mjs', 'export default { a: [1, NaN, Infinity], b: null };')), { a: [1, NaN, Infinity], b: null });
  });

  test('is not run in this process, and its process does not outlive it', async () => {
    using dir = new TempDir();
    await loadConfigFile(dir.write('x.mjs', `${tellPid(dir.join('pid'))}setInterval(() => {}, 1000);\nexport default {};`));
    const pid = Number(readFileSync(dir.join('pid')));
    assert.notEqual(pid, process.pid);
    assert.equal(isAlive(pid), false);
  });

  test('whose errors come out as they are', async () => {
    using dir = new TempDir();
    await assert.rejects(loadConfigFile(dir.write('x.yaml', 'a: [')), (error: unknown) => error instanceof DaemonError && error.code === 'E_CONFIG_FILE' && /x\.yaml:1:\d+/.test(error.message));
  });

  for (const [what, text, pattern] of [
    ['exits', 'process.exit(3);', /ended the process that loaded it \(exit code 3\)/],
    ['exits as if all were well', 'process.exit(0);', /exit code 0/],
    ['is killed', 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {});', /\(SIGKILL\)/],
    ['leaves an exception to nobody', 'setTimeout(() => { throw new Error("late"); }, 1); export default () => new Promise(() => {});', /nothing caught: late/],
    ['leaves a rejection to nobody', 'Promise.reject(new Error("late")); export default () => new Promise(() => {});', /nothing caught: late/],
  ] as const) {
    test(`that ${what} is an error`, async () => {
      using dir = new TempDir();
      await assert.rejects(loadConfigFile(dir.write('x.mjs', text)), (error: DaemonError) => error.code === 'E_CONFIG_FILE' && pattern.test(error.message));
    });
  }

  for (const [what, text] of [['waits', 'await new Promise(() => {});'], ['loops', 'for (;;);']] as const) {
    test(`that ${what} for ever is given up, and its process ended`, async () => {
      using dir = new TempDir();
      const file = dir.write('x.mjs', `${tellPid(dir.join('pid'))}${text}`);
      await assert.rejects(loadConfigFile(file, 1000), (error: DaemonError) => error.code === 'E_CONFIG_FILE' && error.message.endsWith('x.mjs was not loaded within 1s'));
      assert.equal(isAlive(Number(readFileSync(dir.join('pid')))), false);
    });
  }

  test('prints to standard error, never to standard output', async () => {
    using dir = new TempDir();
    const file = dir.write('x.mjs', 'console.log("from stdout"); console.error("from stderr"); export default { port: 5 };');
    const script = `const { loadConfigFile } = await import('${ROOT}dist/config/inspector.js'); console.log(JSON.stringify(await loadConfigFile(${JSON.stringify(file)})));`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    assert.equal(stdout, '{"port":5}\n');
    assert.match(stderr, /from stdout/);
    assert.match(stderr, /from stderr/);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`that loops for ever is taken along when ${signal} ends the asking process`, async () => {
      using dir = new TempDir();
      const deadline = new Deadline(20_000);
      const file = dir.write('x.mjs', `${tellPid(dir.join('pid'))}for (;;);`);
      const script = `const { loadConfigFile } = await import('${ROOT}dist/config/inspector.js'); await loadConfigFile(${JSON.stringify(file)});`;
      const asking = execFile(process.execPath, ['--input-type=module', '-e', script]);
      const exited = once(asking, 'exit');
      const pid = await deadline.poll(() => {
        try {
          return Number(readFileSync(dir.join('pid'))) || undefined;
        } catch {
          return undefined;
        }
      }, 'the config runs');
      asking.kill(signal);
      const [, by] = (await deadline.wait(exited, 'the asking process ends')) as [number | null, string | null];
      assert.equal(by, signal);
      await deadline.poll(() => (isAlive(pid) ? undefined : true), 'the inspector ends');
    });
  }
});

describe('servicers', () => {
  test('are described with all four kinds of methods', async () => {
    using dir = new TempDir();
    const { services } = await inspectServices(configOf(dir, { 'a.mjs': adds('pkg.A'), 'b.mjs': adds('pkg.B') }));
    assert.deepEqual(services.map(({ name }) => name), ['pkg.A', 'pkg.B']);
    assert.deepEqual(services[0]?.methods, [
      { name: 'One', kind: 'unary' },
      { name: 'Up', kind: 'client_stream' },
      { name: 'Down', kind: 'server_stream' },
      { name: 'Chat', kind: 'bidi_stream' },
    ]);
  });

  test('get the settings, frozen, and wait for what they need', async () => {
    using dir = new TempDir();
    const hook = `${adds('pkg.A').replace('export const grpcHook', 'const add')}export async function grpcHook(server, { config }) {
      await null;
      if (config.name !== 'tested' || !Object.isFrozen(config.log)) throw new Error('wrong config');
      add(server);
    }`;
    assert.equal((await inspectServices(configOf(dir, { 'a.mjs': hook }, { name: 'tested' }))).services.length, 1);
  });

  test('that add the same service are both named', async () => {
    using dir = new TempDir();
    await assert.rejects(inspectServices(configOf(dir, { 'a.mjs': adds('pkg.A'), 'b.mjs': adds('pkg.A') })), (error: DaemonError) => error.code === 'E_SERVICER' && /pkg\.A .*a\.mjs.*b\.mjs/.test(error.message));
    const twice = adds('pkg.A').replace(/=> (.*);/, '=> { $1; $1; };');
    await assert.rejects(inspectServices(configOf(dir, { 'c.mjs': twice })), /pkg\.A is added twice by \S*c\.mjs/);
  });

  test('whose hook never settles are named when the time is over', async () => {
    using dir = new TempDir();
    const config = configOf(dir, { 'a.mjs': adds('pkg.A'), 'b.mjs': 'export const grpcHook = () => new Promise(() => {});' }, { startTimeout: '500ms' });
    await assert.rejects(inspectServices(config), (error: DaemonError) => error.code === 'E_SERVICER_TIMEOUT' && error.message.includes('b.mjs: its grpcHook did not settle within'));
  });

  test('that keep the process busy for ever are given up', async () => {
    using dir = new TempDir();
    const config = configOf(dir, { 'a.mjs': 'export const grpcHook = () => { for (;;); };' });
    await assert.rejects(inspectServices(config, 1500), (error: DaemonError) => error.code === 'E_SERVICER_TIMEOUT');
  });

  for (const [what, text] of [['throws', '() => {\n  throw new Error("no database");\n}'], ['rejects', 'async () => {\n  await null; throw new Error("no database");\n}']] as const) {
    test(`whose hook ${what} tell the place`, async () => {
      using dir = new TempDir();
      await assert.rejects(inspectServices(configOf(dir, { 'a.mjs': `export const grpcHook = ${text};` })), /a\.mjs: its grpcHook failed at \S*a\.mjs:2:\d+: no database/);
    });
  }

  test('run with the arguments of node that workers get', async () => {
    using dir = new TempDir();
    const text = `export const grpcHook = () => {\n  if (typeof globalThis.gc !== 'function') throw new Error('no gc');\n};`;
    const { services } = await inspectServices(configOf(dir, { 'a.mjs': text }, { nodeArguments: ['--expose-gc'] }));
    assert.deepEqual(services, []);
    await assert.rejects(inspectServices(configOf(dir, { 'a.mjs': text }, { nodeArguments: ['--no-such-thing'] })), /exit code 9/);
  });
});
