import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ErrorData } from '#src/shared/errors.js';
import { runCli, testEnvironment, type CliResult } from '../support/cli.js';
import { interceptor, servicer } from '../support/paths.js';
import { TempDir } from '../support/temp-dir.js';

const ALL_KINDS = `
const method = (path, requestStream, responseStream) => ({
  path, requestStream, responseStream,
  requestSerialize: Buffer.from, requestDeserialize: String, responseSerialize: Buffer.from, responseDeserialize: String,
});
export function grpcHook(server) {
  console.log('the hook prints');
  server.addService({
    One: method('/pkg.Kinds/One', false, false), Up: method('/pkg.Kinds/Up', true, false),
    Down: method('/pkg.Kinds/Down', false, true), Chat: method('/pkg.Kinds/Chat', true, true),
  }, {});
}
`;

/** Writes a config file and the servicer above beside it, and runs a command from another folder. */
async function run(command: readonly string[], name: string, config: string, files: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  using dir = new TempDir();
  dir.write('kinds.js', ALL_KINDS);
  dir.write('package.json', '{ "type": "module" }');
  for (const [file, text] of Object.entries(files)) dir.write(file, text);
  return await runCli([...command, '--config', dir.write(name, config)]);
}

const check = (name: string, config: string, files?: Readonly<Record<string, string>>): Promise<CliResult> => run(['check'], name, config, files);

const CONFIG = 'servicers: [./kinds.js]\nmaxWorkers: 2\n';

describe('check', () => {
  test('says what would be served', async () => {
    const { code, stdout, stderr } = await check('x.yaml', `${CONFIG}interceptors: [./i.js]\n`, { 'i.js': 'export default () => {};' });
    assert.equal(code, 0, stderr);
    for (const line of [/^pkg\.Kinds$/m, /^ {2}One +unary$/m, /^ {2}Up +client streaming$/m, /^ {2}Down +server streaming$/m, /^ {2}Chat +bidirectional streaming$/m, /^address +\[::\]:50051$/m, /^workers +2$/m, /^interceptors +\S+\/i\.js$/m, /^tls +off$/m, /x\.yaml is fine\.$/m]) {
      assert.match(stdout, line);
    }
    assert.match(stderr, /^the hook prints\n.*no handler for pkg\.Kinds\/One,.*: calls get UNIMPLEMENTED"}\n$/);
  });

  test('says it as JSON', async () => {
    const { code, stdout } = await run(['check', '--json'], 'x.yaml', `${CONFIG}signatureData: { k: v }\n`);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(code, 0);
    assert.equal(report.ok, true);
    assert.equal(report.workers, 2);
    assert.equal(report.tls, null);
    assert.deepEqual(report.warnings, ['signatureData is given but signature is off: calls are not checked']);
    assert.deepEqual(report.services, [
      {
        name: 'pkg.Kinds',
        methods: [{ name: 'One', kind: 'unary' }, { name: 'Up', kind: 'client_stream' }, { name: 'Down', kind: 'server_stream' }, { name: 'Chat', kind: 'bidi_stream' }],
      },
    ]);
  });

  test('says whose certificate it is, and until when', async () => {
    using dir = new TempDir();
    const certs = await runCli(['certs', dir.path, '--days', '60', '--host', 'greeter.test']);
    assert.equal(certs.code, 0, certs.stderr);
    const config = `${CONFIG}authentication: ssl
certificates: { serverCertificate: ${dir.join('server.crt')}, serverCertificateKey: ${dir.join('server.key')}, rootCertificate: ${dir.join('ca.crt')} }
client_authentication: require
`;
    const { code, stdout, stderr } = await check('x.yaml', config);
    assert.equal(code, 0, stderr);
    for (const line of [/^tls +\S/m, /^ {2}names +.*greeter\.test/m, /^ {2}expires +\d{4}-\d\d-\d\d, in (?:59|60) days$/m, /^ {2}clients +certificate demanded, issued by \S/m]) assert.match(stdout, line);
  });

  test('warns of what is valid but hardly meant', async () => {
    const { code, stdout } = await check('x.yaml', `${CONFIG}signature: true\nsignatureData: { k: hunter2 }\n`);
    assert.equal(code, 0);
    assert.match(stdout, /^warning: signature is on but authentication is off/m);
    assert.doesNotMatch(stdout, /hunter2/);
  });

  test('loads a TypeScript config with a TypeScript servicer', async () => {
    const { code, stdout, stderr } = await check(
      'x.ts',
      "import { defineConfig } from 'grpcserverd';\nconst workers: number = 3;\nexport default defineConfig({ servicers: ['./kinds.ts'], maxWorkers: workers });\n",
      { 'kinds.ts': ALL_KINDS.replace('grpcHook(server)', 'grpcHook(server: { addService(definition: object, implementation: object): void }): void') },
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^pkg\.Kinds$/m);
    assert.match(stdout, /^workers +3$/m);
  });

  test('needs no config file when flags say it all, relative to the current folder', async () => {
    using dir = new TempDir();
    dir.write('kinds.mjs', ALL_KINDS);
    const { code, stdout, stderr } = await runCli(['check', '--servicers', './kinds.mjs', '--max_workers', '3', '--host=127.0.0.1', '--port', '0'], { cwd: dir.path });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^address +127\.0\.0\.1:0$/m);
    assert.match(stdout, /^workers +3$/m);
  });

  test('finds the config of the folder, and the one that the environment names', async () => {
    using dir = new TempDir();
    dir.write('kinds.mjs', ALL_KINDS);
    dir.write('grpcserverd.config.json', '{ "servicers": ["./kinds.mjs"], "port": 1001 }');
    const other = dir.write('other.toml', 'servicers = ["./kinds.mjs"]\nport = 1002\n');
    assert.match((await runCli(['check'], { cwd: dir.path })).stdout, /:1001$/m);
    assert.match((await runCli(['check'], { cwd: dir.path, env: testEnvironment({ GRPCSERVERD_CONFIG: other }) })).stdout, /:1002$/m);
  });
});

describe('check refuses', () => {
  const cases: Record<string, { name?: string; config: string; files?: Record<string, string>; says: RegExp[]; exit?: number }> = {
    'an unknown key, and suggests the nearest': { config: `${CONFIG}max_wokers: 5\n`, says: [/x\.yaml: unknown key "max_wokers"/, /Did you mean "max_workers"\?/] },
    'a wrong type': { config: `${CONFIG}port: fifty\n`, says: [/x\.yaml: port must be a whole number from 0 to 65535; got "fifty"/] },
    'a syntax error in YAML, with line and column': { config: 'servicers: [./kinds.js\nport: 5\n', says: [/x\.yaml:2:\d+: /] },
    'a syntax error in TypeScript, with line and column': { name: 'x.ts', config: 'const a: number = 1;\nexport default { port: : 5 };\n', says: [/x\.ts:2:24: Unexpected token/, /2 \| export default/] },
    'a missing servicer': { config: 'servicers: [./nothing.js]\n', says: [/nothing\.js: there is no such file/] },
    'a servicer without grpcHook': { config: 'servicers: [./no.js]\n', files: { 'no.js': 'export const register = 1;' }, says: [/no\.js exports no grpcHook; it exports: register/] },
    'a syntax error in a servicer': { config: 'servicers: [./no.js]\n', files: { 'no.js': 'export const a = 1;\nexport function grpcHook( {\n' }, says: [/no\.js has a syntax error at \S+no\.js:3:1: /] },
    'a servicer that needs what is not there': { config: 'servicers: [./no.js]\n', files: { 'no.js': 'import "./gone.js";\nexport function grpcHook() {}\n' }, says: [/no\.js cannot be loaded: it needs \S+gone\.js/] },
    'a servicer that throws while it is loaded': { config: 'servicers: [./no.js]\n', files: { 'no.js': '\nthrow new Error("no driver");' }, says: [/no\.js:2:7\): Error: no driver/] },
    'a servicer that exits': { config: 'servicers: [./no.js]\n', files: { 'no.js': 'process.exit(0);' }, says: [/ended the process that loaded it \(exit code 0\)/] },
    'a hook that throws': { exit: 70, config: 'servicers: [./no.js]\n', files: { 'no.js': 'export function grpcHook() {\n  throw new Error("no database");\n}' }, says: [/no\.js: its grpcHook failed at \S+no\.js:2:9: no database/] },
    'a hook that rejects': { exit: 70, config: 'servicers: [./no.js]\n', files: { 'no.js': 'export async function grpcHook() {\n  await null;\n  throw new Error("no database");\n}' }, says: [/no\.js:3:9: no database/] },
    'a hook that never settles': { exit: 70, config: 'servicers: [./no.js]\nstartTimeout: 1s\n', files: { 'no.js': 'export const grpcHook = () => new Promise(() => {});' }, says: [/no\.js: its grpcHook did not settle within/] },
    'the same service twice': { config: 'servicers: [./kinds.js, ./again.js]\n', files: { 'again.js': 'export { grpcHook } from "./kinds.js";' }, says: [/pkg\.Kinds is added by \S*kinds\.js and again by \S*again\.js/] },
    'an interceptor that is not one': { config: `${CONFIG}interceptors: [./i.js]\n`, files: { 'i.js': 'export default { intercept() {} };' }, says: [/i\.js: it is no interceptor: it must be a function; it is object/] },
    'TLS without certificates': { config: `${CONFIG}authentication: ssl\n`, says: [/needs certificates\.serverCertificate and certificates\.serverCertificateKey/, /grpcserverd certs/] },
    'a certificate that is not there': { config: `${CONFIG}authentication: ssl\ncertificates: { serverCertificate: ./s.crt, serverCertificateKey: ./s.key }\n`, says: [/s\.crt/] },
    'fewer calls than workers': { config: `${CONFIG}balance: connection\nmaximumConcurrentRpcs: 1\n`, says: [/maximumConcurrentRpcs is 1 and maxWorkers is 2/] },
    'several things at once': { config: `${CONFIG}prot: 5\nlog: { level: loud }\n`, says: [/2 problems/, /unknown key "prot"/, /log\.level must be one of/] },
  };
  for (const [what, { name = 'x.yaml', config, files, says, exit = 78 }] of Object.entries(cases)) {
    test(what, async () => {
      const { code, stdout, stderr } = await check(name, config, files);
      assert.equal(code, exit);
      assert.equal(stdout, '');
      for (const pattern of says) assert.match(stderr, pattern);
      assert.match(stderr, /^grpcserverd: /m);
      assert.ok(stderr.trimEnd().split('\n').length <= 24, stderr);
      assert.doesNotMatch(stderr, /node:internal|dist\/worker/);
    });
  }

  test('as JSON as well, with the code of the error', async () => {
    const { code, stdout, stderr } = await run(['check', '--json'], 'x.yaml', `${CONFIG}prot: 5\n`);
    assert.equal(code, 78);
    assert.equal(stderr, '');
    const { ok, error } = JSON.parse(stdout) as { ok: boolean; error: ErrorData };
    assert.equal(ok, false);
    assert.deepEqual([error.code, error.hint], ['E_CONFIG_KEY', 'Did you mean "port"?']);
  });

  for (const value of ['0', '-1', '1e9', 'two']) {
    test(`max workers ${value}, from flag, environment and file`, async () => {
      const says = `maxWorkers must be a whole number from 1 to 1024, or "auto"; got `;
      const [flag, env, file] = await Promise.all([
        runCli(['check', '--max_workers', value]),
        runCli(['check'], { env: testEnvironment({ GRPCSERVERD_MAX_WORKERS: value }) }),
        check('x.yaml', `servicers: [./kinds.js]\nmax_workers: ${value}\n`),
      ]);
      for (const [result, place] of [[flag, '--max-workers: '], [env, 'GRPCSERVERD_MAX_WORKERS: '], [file, 'x.yaml: ']] as const) {
        assert.equal(result.code, 78);
        assert.ok(result.stderr.includes(place + says), result.stderr);
      }
    });
  }

  test('a config that is not there, is a folder, or is of no known format', async () => {
    using dir = new TempDir();
    for (const [file, says] of [['gone.yaml', 'there is no such file'], ['gone.ini', 'its name must end in']] as const) {
      const { code, stderr } = await runCli(['check', '-c', dir.join(file)]);
      assert.equal(code, 78);
      assert.ok(stderr.includes(says), stderr);
    }
  });

  test('to guess between two configs', async () => {
    using dir = new TempDir();
    dir.write('grpcserverd.config.json', '{}');
    dir.write('grpcserverd.config.toml', '');
    const { code, stderr } = await runCli(['check'], { cwd: dir.path });
    assert.equal(code, 78);
    assert.match(stderr, /grpcserverd\.config\.json and grpcserverd\.config\.toml/);
  });

  test('to serve nothing', async () => {
    using dir = new TempDir();
    const { code, stderr } = await runCli(['check'], { cwd: dir.path });
    assert.equal(code, 78);
    assert.match(stderr, /nothing to serve/);
    assert.match(stderr, /--servicers/);
  });

  test('the fixtures that are no servicers and no interceptors', async () => {
    for (const [args, says] of [
      [['--servicers', servicer('no-hook.js')], /no-hook\.js exports no grpcHook/],
      [['--servicers', servicer('syntax-error.ts')], /syntax-error\.ts:3:\d+: Unexpected token/],
      [['--servicers', servicer('commonjs.cjs'), '--interceptors', interceptor('not-one.js')], /not-one\.js: it is no interceptor/],
    ] as const) {
      const { code, stderr } = await runCli(['check', ...args]);
      assert.equal(code, 78);
      assert.match(stderr, says);
    }
  });
});

describe('list-handlers', () => {
  const LINES = '/pkg.Kinds/One   unary\n/pkg.Kinds/Up    client_stream\n/pkg.Kinds/Down  server_stream\n/pkg.Kinds/Chat  bidi_stream\n';

  test('prints the methods alone, one a line', async () => {
    const { code, stdout } = await run(['list-handlers'], 'x.yaml', CONFIG);
    assert.equal(code, 0);
    assert.equal(stdout, LINES);
  });

  test('prints JSON', async () => {
    const { stdout } = await run(['list-handlers', '--json'], 'x.yaml', CONFIG);
    assert.deepEqual((JSON.parse(stdout) as unknown[])[3], { path: '/pkg.Kinds/Chat', service: 'pkg.Kinds', method: 'Chat', kind: 'bidi_stream' });
  });

  for (const spelling of ['--list-handlers', '--list_handlers']) {
    test(`is what start ${spelling} does`, async () => {
      const { code, stdout } = await run(['start', spelling, '--max_workers', '2'], 'x.yaml', CONFIG);
      assert.equal(code, 0);
      assert.equal(stdout, LINES);
    });
  }
});
