import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Server, type ServerInterceptor } from '@grpc/grpc-js';
import type { ModuleReference } from '#src/config/option-values.js';
import { DaemonError } from '#src/shared/errors.js';
import { loadInterceptors } from '#src/worker/load-interceptors.js';
import { loadModule } from '#src/worker/load-module.js';
import { loadServicers } from '#src/worker/servicers.js';
import { TempDir } from '../../support/temp-dir.js';

const reference = (module: string, exportName: string | null = null, more: Partial<ModuleReference> = {}): ModuleReference => ({ module, exportName, ...more });

/** What the hook of a module with this text returns; hooks here return a word. */
async function callHook(name: string, text: string, exportName: string | null = null): Promise<unknown> {
  using dir = new TempDir();
  const [servicer] = await loadServicers<object>([reference(dir.write(name, text), exportName)]);
  assert.ok(servicer);
  return servicer.hook(new Server(), {});
}

async function interceptorOf(text: string, more: Partial<ModuleReference> = {}, name = 'x.mjs'): Promise<ServerInterceptor | undefined> {
  using dir = new TempDir();
  return (await loadInterceptors([{ ...reference(dir.write(name, text)), ...more }]))[0]?.interceptor;
}

describe('the hook of a servicer', () => {
  const cases: [name: string, text: string, exportName?: string][] = [
    ['x.mjs', 'export function grpcHook() { return "yes"; }'],
    ['snake.mjs', 'export const grpc_hook = () => "yes";'],
    ['both.mjs', 'export const grpc_hook = () => "no"; export const grpcHook = () => "yes"; export default () => "no";'],
    ['default.mjs', 'export default () => "yes";'],
    ['object.mjs', 'export default { word: "yes", grpcHook() { return this.word; } };'],
    ['instance.mjs', 'class Servicer { #word = "yes"; grpcHook() { return this.#word; } }\nexport default new Servicer();'],
    ['named.mjs', 'export const grpcHook = () => "no"; export const admin = () => "yes";', 'admin'],
    ['x.cjs', 'module.exports = { grpcHook: () => "yes" };'],
    ['function.cjs', 'module.exports = () => "yes";'],
    ['member.cjs', 'module.exports = Object.assign({}, { admin: () => "yes" });', 'admin'],
    ['translated.cjs', 'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = () => "yes";'],
    ['x.ts', 'interface A { word: string }\nconst a: A = { word: "yes" };\nexport function grpcHook(): string { return a.word; }'],
    ['default.ts', 'export default (): string => "yes";'],
    ['named.mts', 'export const admin = (): string => "yes";', 'admin'],
    ['x.cts', 'module.exports = { grpcHook: (): string => "yes" };'],
    ['function.cts', 'module.exports = (): string => "yes";'],
    ['own.ts', 'import { defineConfig } from "grpcserverd";\nexport const grpcHook = (): string => typeof defineConfig === "function" ? "yes" : "no";'],
    ['own.mjs', 'import { defineConfig } from "grpcserverd";\nexport const grpcHook = () => typeof defineConfig === "function" ? "yes" : "no";'],
  ];
  for (const [name, text, exportName] of cases) {
    test(`is found in ${name}`, async () => {
      assert.equal(await callHook(name, text, exportName), 'yes');
    });
  }

  test('that is missing is an error which says what is exported instead', async () => {
    const isRight = ({ code, message }: DaemonError): boolean =>
      code === 'E_SERVICER' && message.endsWith('x.mjs exports no grpcHook; it exports: register, rest');
    await assert.rejects(callHook('x.mjs', 'export const register = 1, rest = 2;'), isRight);
    await assert.rejects(callHook('x.mjs', 'export const grpcHook = () => 1;', 'admin'), /exports no admin; it exports: grpcHook$/);
    await assert.rejects(callHook('x.cjs', ''), /exports no grpcHook/);
  });

  test('must be a function', async () => {
    await assert.rejects(callHook('x.mjs', 'export const grpcHook = "text";'), /its export grpcHook must be a function; it is string/);
  });
});

describe('a module', () => {
  const load = (file: string): Promise<unknown> => loadModule(reference(file), 'E_SERVICER');

  test('that is missing or a folder is an error that names it', async () => {
    using dir = new TempDir();
    await assert.rejects(load(dir.join('no.js')), (error: DaemonError) => error.code === 'E_SERVICER' && error.message.includes(dir.join('no.js')) && error.message.includes('no such file'));
    await assert.rejects(load(dir.path), /is a folder/);
  });

  test('with a syntax error names file, line and column, in JavaScript and TypeScript', async () => {
    using dir = new TempDir();
    await assert.rejects(load(dir.write('x.mjs', 'const a = 1;\nconst b = ;\n')), /x\.mjs:2:11: /);
    await assert.rejects(load(dir.write('x.ts', 'const a: number = 1;\nconst b: number = ;\n')), /x\.ts:2:19: /);
  });

  test('that throws while it loads names the line of the source', async () => {
    using dir = new TempDir();
    const text = 'interface A {\n  b: number;\n}\n\nexport function f(a: A): number {\n  throw new Error("boom");\n}\nf({ b: 1 });\n';
    await assert.rejects(load(dir.write('x.ts', text)), /x\.ts:6:9\): Error: boom/);
  });

  test('that imports a name which is not exported tells the place', async () => {
    using dir = new TempDir();
    dir.write('b.mjs', 'export const a = 1;');
    await assert.rejects(load(dir.write('x.mjs', '\nimport { nope } from "./b.mjs";\n')), /x\.mjs:2:10: .*'nope'/);
  });
});

describe('a package', () => {
  function install(dir: TempDir, name: string, manifest: object, text: string): void {
    mkdirSync(dir.join('node_modules', name), { recursive: true });
    dir.write(`node_modules/${name}/package.json`, JSON.stringify({ name, type: 'module', ...manifest }));
    dir.write(`node_modules/${name}/index.js`, text);
  }

  test('is looked up from the folder of the config', async () => {
    using dir = new TempDir();
    install(dir, '@acme/greeter', { exports: { '.': { import: './index.js' }, './sub': './index.js' } }, 'export const grpcHook = () => "yes";');
    for (const name of ['@acme/greeter', '@acme/greeter/sub']) {
      const [servicer] = await loadServicers<object>([reference(name, null, { from: dir.path })]);
      assert.equal(servicer?.hook(new Server(), {}), 'yes');
      assert.equal(servicer.name, name);
    }
  });

  test('that is not installed is an error, with a hint when a file has that name', async () => {
    using dir = new TempDir();
    dir.write('greeter.js', '');
    const missing = (name: string): Promise<unknown> => loadModule(reference(name, null, { from: dir.path }), 'E_SERVICER');
    await assert.rejects(missing('greeter.js'), (error: DaemonError) => error.message.includes(dir.path) && error.hint.startsWith('Did you mean "./greeter.js"?'));
    await assert.rejects(missing('@acme/none'), (error: DaemonError) => error.code === 'E_SERVICER' && error.message.includes('"@acme/none"'));
  });

  test('grpcserverd is always this one, whatever is installed', async () => {
    using dir = new TempDir();
    install(dir, 'grpcserverd', { exports: { './interceptors': './index.js' } }, 'export const signatureValidation = "not ours";');
    const from = { from: dir.path };
    const exports = await loadModule(reference('grpcserverd/interceptors', null, from), 'E_INTERCEPTOR');
    assert.equal(typeof exports.signatureValidation, 'function');
    await assert.rejects(loadModule(reference('grpcserverd/nope', null, from), 'E_INTERCEPTOR'), /has no module "grpcserverd\/nope"/);
  });
});

describe('an interceptor', () => {
  test('is the default export, or the one that is named', async () => {
    assert.equal((await interceptorOf('export default function mine() {}'))?.name, 'mine');
    assert.equal((await interceptorOf('export function mine() {}', { exportName: 'mine' }))?.name, 'mine');
    assert.equal((await interceptorOf('module.exports = function mine() {};', {}, 'x.cjs'))?.name, 'mine');
    assert.equal((await interceptorOf('module.exports = { mine() {} };', { exportName: 'mine' }, 'x.cjs'))?.name, 'mine');
    assert.equal((await interceptorOf('export default function mine(): void {}', {}, 'x.ts'))?.name, 'mine');
  });

  test('with options is what its export makes of them', async () => {
    const text = 'export default async ({ name }) => Object.defineProperty(() => {}, "name", { value: name });';
    assert.equal((await interceptorOf(text, { options: { name: 'made' } }))?.name, 'made');
  });

  test('has a name for display', async () => {
    using dir = new TempDir();
    const file = dir.write('x.mjs', 'export default () => {}; export const other = () => {};');
    const names = (await loadInterceptors([reference(file), reference(file, 'other')])).map(({ name }) => name);
    assert.deepEqual(names, [file, `${file}#other`]);
  });

  const wrong: [text: string, more: Partial<ModuleReference>, what: RegExp][] = [
    ['export default {};', {}, /it is no interceptor: it must be a function; it is object/],
    ['export default class Mine {}', {}, /it is a class; an interceptor is a function/],
    ['export const a = 1;', {}, /there is no default export; it exports: a/],
    ['export const a = 1;', { exportName: 'b' }, /there is no export b; it exports: a/],
    ['export default 5;', { options: {} }, /must be a function that takes the options/],
    ['export default () => ({});', { options: {} }, /what it returned is no interceptor: it must be a function; it is object/],
    ['export default () => null;', { options: {} }, /it is null/],
    ['export default () => {\n  throw new Error("no key");\n};', { options: {} }, /x\.mjs:2:9: no key/],
  ];
  for (const [text, more, what] of wrong) {
    test(`is refused: ${JSON.stringify(text)}${more.options === undefined ? '' : ' with options'}`, async () => {
      await assert.rejects(interceptorOf(text, more), (error: DaemonError) => error.code === 'E_INTERCEPTOR' && what.test(error.message));
    });
  }
});
