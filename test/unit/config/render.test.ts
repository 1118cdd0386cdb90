import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { environmentName, flagName, snakeCase } from '#src/config/key-spelling.js';
import { OPTION_KEYS, optionSpec } from '#src/config/options.js';
import { errorsPage } from '#src/config/render/errors-page.js';
import { eventsPage } from '#src/config/render/events-page.js';
import { exampleFile } from '#src/config/render/example-file.js';
import { optionsPage } from '#src/config/render/options-page.js';
import { configSchema } from '#src/config/render/schema.js';
import { settingsAsJson, settingsAsYaml } from '#src/config/render/settings.js';
import { toYaml } from '#src/config/render/written-value.js';
import { resolveConfig, type Resolved } from '#src/config/resolve.js';
import { ERRORS } from '#src/shared/errors.js';
import { EVENTS } from '#src/shared/events.js';
import { ROOT } from '../../support/paths.js';

const resolve = (data: object): Resolved => resolveConfig({ file: { path: '/app/x.yaml', data }, env: {}, flags: {}, cwd: '/app' });

describe('generated files', () => {
  const files = {
    'docs/options.md': optionsPage,
    'docs/errors.md': errorsPage,
    'docs/events.md': eventsPage,
    'config/grpcserverd.example.yaml': exampleFile,
  };
  for (const [file, render] of Object.entries(files)) {
    test(`${file} is what the tables say (else: npm run docs)`, () => {
      assert.equal(readFileSync(ROOT + file, 'utf8'), render());
    });
    test(`${file} says at its top what it is generated from`, () => {
      assert.match(render().split('\n')[0] ?? '', /Generated from src\/\S+\.ts by "npm run docs"/);
    });
  }

  test('the manual has every option with flag, variable and what it accepts', () => {
    const page = optionsPage();
    for (const key of OPTION_KEYS) {
      for (const part of [`### ${key}\n`, `--${flagName(key)}\``, environmentName(key), optionSpec(key).type.expects]) assert.ok(page.includes(part), `${key}: ${part}`);
    }
  });

  test('the pages have every error and every event', () => {
    for (const code of Object.keys(ERRORS)) assert.ok(errorsPage().includes(`## ${code}\n`), code);
    for (const name of Object.keys(EVENTS)) assert.ok(eventsPage().includes(`## ${name}\n`), name);
  });
});

describe('the example file', () => {
  test('is empty as long as nothing is taken out of the comments', () => {
    assert.equal(parse(exampleFile()), null);
  });

  test('gives every option its default when all is taken out of the comments', () => {
    const text = exampleFile().replace(/^#(?=\w| {2}\w)/gm, '');
    const { config, origins } = resolve(parse(text) as object);
    assert.deepEqual(config, resolve({ servicers: ['./greeter.js'] }).config);
    for (const key of OPTION_KEYS) assert.equal(origins[key].source, 'file', key);
  });
});

describe('the JSON Schema', () => {
  interface ObjectSchema {
    readonly properties: Readonly<Record<string, ObjectSchema & { readonly description: string; readonly default?: unknown }>>;
    readonly additionalProperties: boolean;
  }
  // The type of the schema that the module builds is open; this is its shape.
  const schema = configSchema() as unknown as ObjectSchema;

  test('knows every key in both spellings, and no other', () => {
    for (const key of OPTION_KEYS) {
      for (const spelling of [key, snakeCase(key)]) {
        const [head = '', tail] = spelling.split('.');
        const property = tail === undefined ? schema.properties[head] : schema.properties[head]?.properties[tail];
        assert.equal(property?.description, optionSpec(key).doc, spelling);
      }
    }
    assert.equal(schema.additionalProperties, false);
    assert.equal(schema.properties.log?.additionalProperties, false);
  });

  test('gives defaults as they would be written', () => {
    assert.equal(schema.properties.startTimeout?.default, '30s');
    assert.equal(schema.properties.port?.default, 50_051);
    assert.equal('default' in (schema.properties.servicers ?? {}), false);
  });
});

describe('the settings in effect', () => {
  const secret = 'hunter2';
  const { config, origins } = resolve({
    servicers: ['./a.js#hook', '@acme/b'],
    interceptors: [{ module: './i.js', options: { password: secret, deep: { also: secret } } }],
    signatureData: { 'x-key': [secret], 'x-file': { file: './k' } },
    certificates: { serverCertificateKey: `-----BEGIN PRIVATE KEY-----\n${secret}`, serverCertificate: './s.crt' },
    options: { 'grpc.x': 5 },
    name: '007',
    nodeArguments: ['--max-old-space-size=5'],
  });

  test('are YAML that reads back as the same settings, but for what is secret', () => {
    const text = settingsAsYaml(config, null, '/app');
    const again = resolve({ ...(parse(text) as object), interceptors: [], signatureData: {}, certificates: {} }).config;
    assert.deepEqual(again, { ...config, interceptors: [], signatureData: {}, certificates: { serverCertificate: null, serverCertificateKey: null, rootCertificate: null } });
  });

  test('never show a secret', () => {
    for (const text of [settingsAsYaml(config, origins, '/app'), settingsAsJson(config, null)]) {
      assert.ok(!text.includes(secret));
      for (const shown of ['x-key', 'x-file', '/app/k', 'password', '/app/s.crt']) assert.ok(text.includes(shown), shown);
    }
  });

  test('say where each value comes from when asked to', () => {
    const text = settingsAsYaml(config, origins, '/app');
    assert.match(text, /^name: "007" {2}# x\.yaml$/m);
    assert.match(text, /^ {2}level: info {2}# default$/m);
    const { origins: inJson } = JSON.parse(settingsAsJson(config, origins)) as { origins: Record<string, unknown> };
    assert.deepEqual(inJson.name, { source: 'file', path: '/app/x.yaml' });
  });
});

test('text that YAML would take for something else is quoted', () => {
  for (const text of ['::', 'true', 'off', '5', '1e3', '0x1f', '', 'a: b', '# x', '*', '-x', '@acme/x', '{', '[a', 'a,b', 'null', '~', '1.5.2', ' a']) {
    assert.deepEqual(parse(`key: ${toYaml(text)}`), { key: text });
    assert.deepEqual(parse(`key: ${toYaml([text])}`), { key: [text] });
  }
});
