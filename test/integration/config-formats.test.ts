// A daemon from a config file in each format.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

const SERVICER = servicer('probe.js');
const settings = { servicers: [SERVICER], host: '127.0.0.1', port: 0, maxWorkers: 1 };
const json = JSON.stringify(settings);

const FILES: Record<string, string> = {
  'grpcserverd.config.json': json,
  'grpcserverd.config.yaml': `servicers: [${SERVICER}]\nhost: 127.0.0.1\nport: 0\nmaxWorkers: 1\n`,
  'grpcserverd.config.yml': `servicers:\n  - ${SERVICER}\nhost: 127.0.0.1\nport: 0\nmax_workers: 1\n`,
  'grpcserverd.config.toml': `servicers = ["${SERVICER}"]\nhost = "127.0.0.1"\nport = 0\nmaxWorkers = 1\n`,
  'grpcserverd.config.js': `module.exports = ${json};\n`,
  'grpcserverd.config.cjs': `module.exports = ${json};\n`,
  'grpcserverd.config.mjs': `export default ${json};\n`,
  'grpcserverd.config.ts': `type Settings = { port: number };\nconst settings: Settings & Record<string, unknown> = ${json};\nexport default settings;\n`,
  'grpcserverd.config.mts': `enum Host { Loopback = '127.0.0.1' }\nexport default { ...${json}, host: Host.Loopback };\n`,
};

for (const [name, text] of Object.entries(FILES)) {
  test(`${name} starts a daemon`, async () => {
    await using daemon = await startDaemon({ configText: { name, text } });
    await using probe = new GrpcJsProbe(daemon.address);
    assert.equal((await probe.call('Probe/Echo')).code, 'OK');
    assert.equal(daemon.log.all('daemon.starting')[0]?.config, daemon.dir.join(name));
  });
}

test('flags and environment start a daemon without any file; a flag wins over the environment', async () => {
  await using daemon = await startDaemon({
    noConfig: true,
    args: ['--servicers', SERVICER, '--max_workers', '2', '--host', '127.0.0.1'],
    env: { GRPCSERVERD_PORT: '0', GRPCSERVERD_MAX_WORKERS: '1' },
  });
  assert.equal((await daemon.status()).workers.length, 2);
});

test('paths in a file are relative to the file, and protos to their servicer, whatever the current folder is', async () => {
  const text = "servicers: ['./servicers/mine.js']\nhost: 127.0.0.1\nport: 0\nmaxWorkers: 1\n";
  const files = {
    'servicers/mine.js': "exports.grpcHook = (server, { loadProto }) => server.addService(loadProto('../protos/mine.proto').Mine.service, {});\n",
    'protos/mine.proto': 'syntax = "proto3"; service Mine { rpc Get(Nothing) returns (Nothing); } message Nothing {}\n',
  };
  await using daemon = await startDaemon({ configText: { name: 'grpcserverd.yaml', text }, files, cwd: '/' });
  assert.deepEqual(daemon.log.all('daemon.ready')[0]?.services, ['Mine']);
});
