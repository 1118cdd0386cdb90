// The manifests in examples/kubernetes: right by the API's own schemas, with numbers that fit each other, and played through
// against the real daemon as a kubelet would.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import type { UserConfig } from '#src/config/options.js';
import { runCli } from '../support/cli.js';
import { startDaemon } from '../support/daemon.js';
import { ROOT, servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { get } from '../support/scrape.js';
import { TempDir } from '../support/temp-dir.js';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template?: { readonly spec: PodSpec } };
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
    readonly readinessProbe: { readonly httpGet: { readonly path: string }; readonly periodSeconds: number };
    readonly livenessProbe: { readonly httpGet: { readonly path: string } };
  }[];
}

const require = createRequire(import.meta.url);
const manifests = parseAllDocuments(readFileSync(`${ROOT}examples/kubernetes/greeter.yaml`, 'utf8')).map((document) => {
  assert.deepEqual(document.errors, []);
  return document.toJS() as Manifest;
});
const pod = manifests.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec ?? assert.fail('no Deployment');
const container = pod.containers[0] ?? assert.fail('no container');
const configText = manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['grpcserverd.config.yaml'] ?? assert.fail('no config');
const config = parse(configText) as UserConfig;
const seconds = (duration: unknown): number => Number(/^(\d+)s$/.exec(String(duration))?.[1] ?? assert.fail(`${String(duration)} is not in seconds`));

/** Of `npm test`, for which the delays of the manifest are divided by it. */
const HASTE = process.env.PROVE === undefined ? 10 : 1;

for (const manifest of manifests) {
  test(`${manifest.kind} is what the API takes`, () => {
    const models = require(`kubernetes-models/${manifest.apiVersion}`) as Record<string, new (value: Manifest) => { validate(): void }>;
    const Model = models[manifest.kind] ?? assert.fail(`${manifest.apiVersion} has no ${manifest.kind}`);
    new Model(manifest).validate();
  });
}

test('the config of the ConfigMap is one that the daemon takes', async () => {
  using dir = new TempDir();
  const { code, stdout, stderr } = await runCli(['config', 'show', '--config', dir.write('grpcserverd.config.yaml', configText)]);
  assert.equal(code, 0, stdout + stderr);
});

test('the grace of the pod is enough for the longest stop, and the ports are those of the config', () => {
  const longest = seconds(config.shutdownDelay) + Math.max(seconds(config.gracefulTimeout), seconds(config.streamGracefulTimeout));
  assert.ok(pod.terminationGracePeriodSeconds >= longest + 5, `${pod.terminationGracePeriodSeconds} s are fewer than ${longest} + 5`);
  const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]));
  assert.deepEqual(ports, { grpc: config.port, admin: Number(String(config.admin).split(':')[1]) });
});

test('a pod that is deleted is not ready at once, serves on until its endpoint is gone, and needs no SIGKILL', { timeout: 120_000 }, async () => {
  const scaled = (duration: unknown): string => `${(seconds(duration) * 1000) / HASTE}ms`;
  await using daemon = await startDaemon({
    config: {
      ...config,
      servicers: [servicer('probe.js')],
      host: '127.0.0.1',
      port: 0,
      admin: '127.0.0.1:0',
      maxWorkers: 2,
      shutdownDelay: scaled(config.shutdownDelay),
      gracefulTimeout: scaled(config.gracefulTimeout),
      streamGracefulTimeout: scaled(config.streamGracefulTimeout),
    },
    deadline: 100_000,
  });
  const ask = async (path: string): Promise<number> => (await get(daemon, path)).status;
  assert.equal(await ask(container.readinessProbe.httpGet.path), 200);
  assert.equal(await ask(container.livenessProbe.httpGet.path), 200);
  await using early = new GrpcJsProbe(daemon.address);
  const delay = (seconds(config.shutdownDelay) * 1000) / HASTE;
  const unary = (seconds(config.gracefulTimeout) * 1000) / HASTE;
  const inTime = early.call('Probe/Sleep', { ms: delay + unary * 0.75 }, { timeoutMs: 100_000 });
  const endless = early.call('Probe/Repeat', { times: 100_000, size: 1, ms: 100 }, { timeoutMs: 100_000 });
  await daemon.deadline.poll(async () => ((await daemon.status()).workers.reduce((sum, { inFlight }) => sum + inFlight, 0) === 2 ? true : undefined), 'two calls in flight');

  const deletedAt = performance.now();
  daemon.signal('SIGTERM');
  await daemon.waitFor('daemon.leaving');
  assert.equal(await ask(container.readinessProbe.httpGet.path), 503, 'the first probe after the signal takes the pod out');
  assert.equal(await ask(container.livenessProbe.httpGet.path), 200, 'and nobody restarts it');
  await using late = new GrpcJsProbe(daemon.address);
  assert.equal((await late.call('Probe/Echo', { size: 1 })).code, 'OK', 'whoever has the old endpoints is served');
  assert.deepEqual(daemon.log.all('daemon.stopping'), [], 'as long as shutdownDelay lasts');
  assert.equal((await inTime).code, 'OK', 'what ends within gracefulTimeout ends well');
  assert.equal((await endless).code, 'UNAVAILABLE', 'what does not is cut');
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), { code: 0, signal: null });
  const took = performance.now() - deletedAt;
  assert.ok(took < (pod.terminationGracePeriodSeconds * 1000) / HASTE, `it took ${took} ms`);
});
