// Every form in which a servicer may come.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.js';
import { interceptor, ROOT, servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { TempDir } from '../support/temp-dir.js';

const FORMS: Record<string, string> = {
  'commonjs.cjs': 'from CommonJS',
  'typescript.ts': 'from TypeScript',
  'named-export.js#quiet': 'quiet',
  'named-export.js#loud': 'LOUD',
};

for (const [reference, text] of Object.entries(FORMS)) {
  test(`${reference} is served`, async () => {
    await using daemon = await startDaemon({ config: { servicers: [servicer(reference)] } });
    await using probe = new GrpcJsProbe(daemon.address);
    const { code, messages } = await probe.call('Misbehaviour/Answer', { how: 'any' });
    assert.deepEqual([code, String(messages[0]?.body)], ['OK', text]);
  });
}

test('servicers share one server, in one process', async () => {
  await using daemon = await startDaemon({ config: { servicers: [servicer('probe.js'), servicer('typescript.ts'), `${ROOT}examples/helloworld/greeter.js`] } });
  const services = daemon.log.all('daemon.ready')[0]?.services as string[];
  for (const name of ['probe.v1.Probe', 'probe.v1.Misbehaviour', 'helloworld.Greeter']) assert(services.includes(name), name);
});

test('interceptors run in their order, by name, by export and with options', async () => {
  const adds = interceptor('adds-header.js');
  const config = { interceptors: [`${adds}#plain`, { module: `${adds}#configured`, options: { value: 'from options' } }] };
  await using daemon = await startDaemon({ config });
  await using probe = new GrpcJsProbe(daemon.address);
  const { code, headers } = await probe.call('Probe/Echo');
  // The outermost is the last to touch what goes out.
  assert.deepEqual([code, headers.added?.join(', ')], ['OK', 'from options, plain']);
});

test('an app that brings another version of grpc-js is served like any other', async () => {
  using app = new TempDir();
  const own = app.join('node_modules/@grpc/grpc-js');
  cpSync(`${ROOT}node_modules/grpc-js-1.13`, own, { recursive: true });
  // Its dependencies are found beside it; the copy of grpc-js is its own.
  for (const name of readdirSync(`${ROOT}node_modules`)) {
    if (name !== '@grpc' && !name.startsWith('.')) symlinkSync(`${ROOT}node_modules/${name}`, app.join('node_modules', name));
  }
  symlinkSync(`${ROOT}node_modules/@grpc/proto-loader`, app.join('node_modules/@grpc/proto-loader'));
  app.write('package.json', '{ "type": "module" }');
  mkdirSync(app.join('app/servicers'), { recursive: true });
  for (const name of ['probe.js', 'misbehaves.js']) cpSync(servicer(name), app.join('app/servicers', name));
  cpSync(interceptor('adds-header.js'), app.join('app/adds-header.js'));
  cpSync(`${ROOT}test/fixtures/protos`, app.join('app/protos'), { recursive: true });

  const servicers = ['probe.js', 'misbehaves.js'].map((name) => app.join('app/servicers', name));
  await using daemon = await startDaemon({ config: { servicers, interceptors: [`${app.join('app/adds-header.js')}#plain`] } });
  await using probe = new GrpcJsProbe(daemon.address);
  const reflected = await probe.call('Probe/Reflect', {}, { metadata: [['echo-a-trailer', 'kept'], ['echo-text', 'kept']] });
  assert.deepEqual([reflected.code, reflected.trailers['echo-a-trailer'], reflected.headers.added], ['OK', ['kept'], ['plain']]);
  const failed = await probe.call('Probe/Fail', { code: 5, details: 'no such thing' });
  assert.deepEqual([failed.code, failed.trailers.reason], ['NOT_FOUND', ['ordered']]);
  assert.equal((await probe.call('Misbehaviour/Stream', { how: 'ends-with-bad-trailers' }, { timeoutMs: 3000 })).code, 'OK');
});
