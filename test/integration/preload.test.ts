// Modules that are loaded in workers before anything else, as the SDK of OpenTelemetry has to be.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { failDaemon, startDaemon } from '../support/daemon.js';
import { hook, SERVICER, startOwn } from '../support/own-servicer.js';
import { ROOT } from '../support/paths.js';

/** Says what was there before it: nothing of grpc-js. */
const TELEMETRY = `import { createRequire } from 'node:module';
const { cache } = createRequire(import.meta.url);
globalThis.telemetry = { sawGrpc: Object.keys(cache).some((file) => file.includes('grpc-js')), attributes: process.env.OTEL_RESOURCE_ATTRIBUTES };
`;
const TELLING = hook("context.logger.info({ telemetry: globalThis.telemetry, other: globalThis.other }, 'preloaded');", 'await probe(server, context);');
const PACKAGE = { 'node_modules/other/package.json': '{"name":"other","exports":{"./register":"./register.cjs"}}', 'node_modules/other/register.cjs': 'globalThis.other = true;\n' };

interface Told {
  readonly telemetry?: { readonly sawGrpc: boolean; readonly attributes: string };
  readonly other?: boolean;
}

test('a module of preload is there before the servicers and before grpc-js, and tells its worker from all others', async () => {
  const proto = readFileSync(`${ROOT}test/fixtures/protos/probe.proto`, 'utf8');
  await using daemon = await startDaemon({
    files: { [SERVICER]: TELLING, 'package.json': '{"type":"module"}', 'protos/probe.proto': proto, 'telemetry.js': TELEMETRY, ...PACKAGE },
    config: { servicers: [SERVICER], preload: ['./telemetry.js', 'other/register'], maxWorkers: 2 },
    env: { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test' },
  });
  const told = daemon.log.records.filter(({ msg }) => msg === 'preloaded') as unknown as Told[];
  assert.equal(told.length, 2);
  for (const { telemetry, other } of told) assert.deepEqual([telemetry?.sawGrpc, other], [false, true]);
  const attributes = told.map(({ telemetry }) => Object.fromEntries((telemetry?.attributes ?? '').split(',').map((pair) => pair.split('=') as [string, string])));
  assert.deepEqual(attributes.map((each) => each['grpcserverd.slot']).sort(), ['0', '1']);
  assert.deepEqual(attributes.map((each) => each['deployment.environment']), ['test', 'test']);
  assert.equal(new Set(attributes.map((each) => each['service.instance.id'])).size, 2);
});

test('a module that is not there ends a start with its name, and is refused by check and by a reload', async () => {
  const { code, log } = await failDaemon({ config: { preload: ['./nowhere.js'] } });
  assert.equal(code, 78);
  assert.match(log.stderr, /preload: there is no file \/.*nowhere\.js/);

  await using daemon = await startOwn();
  daemon.configure({ servicers: [SERVICER], preload: ['no-such-package'] });
  const { code: exitCode, report } = await daemon.reload();
  assert.deepEqual([exitCode, report.verdict], [1, 'refused']);
  assert.match(report.error, /preload: the package no-such-package is not installed/);
  const check = await daemon.until(daemon.command('check', '--config', daemon.configFile), 'the verdict of check');
  assert.equal(check.code, 78);
  assert.match(check.stderr + check.stdout, /no-such-package is not installed/);
});

test('a module that throws ends a start with what it threw', async () => {
  const { code, log } = await failDaemon({
    files: { 'telemetry.js': "throw new Error('no collector');\n", 'package.json': '{"type":"module"}' },
    config: { preload: ['./telemetry.js'], startTimeout: '2s' },
  });
  assert.equal(code, 70);
  assert.match(log.stderr, /no collector/);
});
