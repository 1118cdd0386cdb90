import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { DaemonError } from '#src/shared/errors.js';
import { loadConfigFile } from '#src/worker/load-config-file.js';
import { TempDir } from '../../support/temp-dir.js';

/** Loads a file with this text. */
async function load(name: string, text: string): Promise<unknown> {
  using dir = new TempDir();
  return await loadConfigFile(dir.write(name, text));
}

async function refusal(name: string, text: string): Promise<DaemonError> {
  try {
    await load(name, text);
  } catch (error) {
    assert.ok(error instanceof DaemonError, String(error));
    return error;
  }
  return assert.fail(`${name} was loaded`);
}

const EXPECTED = { servicers: ['./a.js'], log: { level: 'debug' }, port: 5 };

describe('every format', () => {
  const object = '{ servicers: ["./a.js"], log: { level: "debug" }, port: 5 }';
  const texts: Record<string, string> = {
    'x.json': JSON.stringify(EXPECTED),
    'bom.json': `\uFEFF${JSON.stringify(EXPECTED)}`,
    'x.yaml': 'servicers: [./a.js]\nlog:\n  level: debug\nport: 5\n',
    'x.yml': '# comment\n---\nservicers:\n  - ./a.js\nlog: { level: debug }\nport: 5\n',
    'x.toml': 'servicers = ["./a.js"]\nport = 5\n\n[log]\nlevel = "debug"\n',
    'x.mjs': `export default ${object};`,
    'named.mjs': `export const config = ${object};`,
    'function.mjs': `export default () => (${object});`,
    'async.mjs': `export default async () => { await null; return ${object}; };`,
    'promise.mjs': `export default Promise.resolve(${object});`,
    'await.mjs': `const value = await Promise.resolve(5); export default { ...${object}, port: value };`,
    'x.cjs': `module.exports = ${object};`,
    'translated.cjs': `exports.__esModule = true; exports.default = ${object};`,
    'function.cjs': `module.exports = () => (${object});`,
    'x.ts': `interface Port { port: number }\nconst rest: Port = { port: 5 };\nexport default { ...${object}, ...rest };`,
    'named.mts': `export const config: object = ${object};`,
    'function.ts': `export default async (): Promise<unknown> => (${object});`,
  };
  for (const [name, text] of Object.entries(texts)) {
    test(`${name} gives what it holds`, async () => {
      assert.deepEqual(await load(name, text), EXPECTED);
    });
  }

  test('an empty file is an empty config', async () => {
    assert.equal(await load('x.yaml', ''), null);
    assert.equal(await load('comments.yaml', '# nothing\n'), null);
    assert.deepEqual(await load('x.toml', ''), {});
  });
});

describe('our own package', () => {
  const text = "import { defineConfig, loadCredentialFromFile } from 'grpcserverd';\nexport default defineConfig({ servicers: [], certificates: { rootCertificate: loadCredentialFromFile('./ca.crt') } });";
  for (const name of ['x.ts', 'x.mts', 'x.js', 'x.mjs']) {
    test(`can be imported by ${name} where no copy is installed`, async () => {
      assert.deepEqual(await load(name, text), { servicers: [], certificates: { rootCertificate: { path: './ca.crt' } } });
    });
  }
  test('can be required by CommonJS where no copy is installed', async () => {
    assert.deepEqual(await load('x.cjs', "const { defineConfig } = require('grpcserverd');\nmodule.exports = defineConfig({ port: 5 });"), { port: 5 });
  });
});

describe('a syntax error names line and column', () => {
  const cases: [name: string, text: string, place: string, what: RegExp][] = [
    ['x.json', '{\n  "port": 5,\n}', '3:1', /double-quoted property name/],
    ['list.json', '{\n  "servicers": ["x",]\n}', '2:21', /Unexpected token '\]'/],
    ['short.json', '{ "port": [1', '1:13', /./],
    ['word.json', '{ "port": trve }', '1:13', /Unexpected token 'v'/],
    ['empty.json', '', '1:1', /Unexpected end/],
    ['x.yaml', 'log:\n  level: info\n  format: "json\n', '4:1', /quote/],
    ['indent.yaml', 'log:\n  level: info\n format: json\n', '3:1', /./],
    ['twice.yaml', 'port: 1\nname: x\nport: 2\n', '3:1', /unique/],
    ['two.yaml', 'port: 1\n---\nport: 2\n', '2:1', /second one begins/],
    ['tag.yaml', 'port: !!js/function 5\n', '1:7', /tag/],
    ['x.toml', 'port = 5\nname = \n', '2:8', /./],
    ['twice.toml', 'port = 1\nport = 2\n', '2:1', /./],
    ['x.ts', 'const port: number = 5;\n\nexport default { port: port: 5 };\n', '3:28', /Unexpected token/],
    ['x.mts', 'export default {\n  port: [5;\n};\n', '2:11', /./],
    ['x.mjs', 'const a = 1;\n  const b = 2 +;\nexport default {};\n', '2:16', /Unexpected token ';'/],
    ['x.cjs', 'const a = 1;\nconst = 2;\n', '2:7', /Unexpected token '='/],
  ];
  for (const [name, text, place, what] of cases) {
    test(`${name} at ${place}`, async () => {
      const error = await refusal(name, text);
      assert.equal(error.code, 'E_CONFIG_FILE');
      assert.equal(error.exitCode, 78);
      assert.ok(error.message.includes(`/${name}:${place}:`), error.message);
      assert.match(error.message, what);
      assert.equal(error.message.split('\n').length, 1, error.message);
      const frame = (error.detail ?? '').split('\n');
      assert.ok(frame.length <= 4 && frame.at(-1)?.endsWith('^') === true, error.detail);
    });
  }

  test('a syntax error in an imported module names that one', async () => {
    using dir = new TempDir();
    dir.write('helper.mjs', 'export const a = ;\n');
    const file = dir.write('x.mjs', "import { a } from './helper.mjs';\nexport default { a };\n");
    await assert.rejects(loadConfigFile(file), /helper\.mjs:1:18/);
  });
});

describe('a module that cannot be loaded', () => {
  for (const name of ['x.ts', 'x.mjs', 'x.cjs']) {
    test(`${name} that throws tells file, line and what it threw`, async () => {
      const error = await refusal(name, 'const a = 1;\n\nthrow new TypeError("no such thing");\n');
      assert.equal(error.code, 'E_CONFIG_FILE');
      assert.match(error.message, new RegExp(`at \\S*${name.replace('.', '\\.')}:3:7\\): TypeError: no such thing`));
      assert.doesNotMatch(error.detail ?? '', /node:internal|node_modules|dist\/worker/);
    });
  }

  test('a config function that rejects tells so as well', async () => {
    assert.match((await refusal('x.mjs', 'export default async () => {\n  throw new Error("vault is sealed");\n};')).message, /x\.mjs:2:9\): Error: vault is sealed/);
  });

  test('what is thrown need not be an error', async () => {
    for (const thrown of ['undefined', 'null', '"text"', '{ a: 1 }', '5']) {
      assert.equal((await refusal('x.mjs', `throw ${thrown};`)).code, 'E_CONFIG_FILE', thrown);
    }
  });

  for (const name of ['x.ts', 'x.mjs']) {
    test(`${name} that needs a missing package names both`, async () => {
      const { message, hint } = await refusal(name, 'import pad from "@acme/left-pad/deep";\nexport default { pad };');
      assert.match(message, new RegExp(`needs the package "@acme/left-pad[^"]*", which \\S*${name.replace('.', '\\.')} imports`));
      assert.match(hint, /npm install @acme\/left-pad$/);
    });
    test(`${name} that needs a missing file names both`, async () => {
      assert.match((await refusal(name, 'import "./helper.js";\nexport default {};')).message, new RegExp(`helper\\.js, which \\S*${name.replace('.', '\\.')} imports`));
    });
  }

  test('a module without a config says what it exports instead', async () => {
    assert.match((await refusal('x.mjs', 'export const settings = {}; export const other = 1;')).message, /exports no config; it exports: other, settings/);
    assert.match((await refusal('x.ts', 'export {};')).message, /exports no config; it exports nothing/);
  });

  test('what a module exports must be data', async () => {
    const error = await refusal('x.mjs', 'export default { port: 5, health: () => true };');
    assert.equal(error.code, 'E_CONFIG_VALUE');
    assert.match(error.message, /health is a function; a config must be data/);
  });

  test('a date of TOML is no data of ours', async () => {
    assert.match((await refusal('x.toml', 'name = 1979-05-27\n')).message, /name is a \w*Date/);
  });
});

describe('a file that cannot be read', () => {
  test('is not there, is a folder, or goes round in a circle', async () => {
    using dir = new TempDir();
    mkdirSync(dir.join('folder.yaml'));
    symlinkSync('circle.yaml', dir.join('circle.yaml'));
    for (const [name, why] of [['missing.yaml', /no such file/], ['folder.yaml', /is a folder/], ['circle.yaml', /circle/]] as const) {
      await assert.rejects(loadConfigFile(dir.join(name)), (error: DaemonError) => error.code === 'E_CONFIG_FILE' && error.message.includes(dir.join(name)) && why.test(error.message));
    }
  });

  test('belongs to somebody else', async () => {
    using dir = new TempDir();
    const file = dir.write('x.yaml', 'port: 5', 0o000);
    // The tests may well run as root, who may read everything.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) {
      chmodSync(dir.path, 0o755);
      process.seteuid?.(65_534);
    }
    try {
      await assert.rejects(loadConfigFile(file), /this user may not read it/);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

test('aliases of aliases cannot fill the memory', async () => {
  const levels = Array.from({ length: 9 }, (_, level) => `a${level + 1}: &a${level + 1} [${Array(9).fill(`*a${level}`).join(', ')}]`);
  const { code, message } = await refusal('x.yaml', `a0: &a0 [x, x]\n${levels.join('\n')}\n`);
  assert.equal(code, 'E_CONFIG_FILE');
  assert.match(message, /alias/);
});
