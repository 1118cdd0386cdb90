// Where the daemon listens.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { test } from 'node:test';
import { EXIT } from '#src/shared/exit-codes.js';
import { failDaemon, startDaemon } from '../support/daemon.js';
import { TempDir } from '../support/temp-dir.js';
import { GrpcJsProbe } from '../support/probe.js';

test('port 0 takes a free port, which the log and status tell', async () => {
  await using daemon = await startDaemon({ config: { port: 0 } });
  assert(daemon.port > 0);
  const { address, port } = await daemon.status();
  assert.deepEqual({ address, port }, { address: `127.0.0.1:${daemon.port}`, port: daemon.port });
  await using probe = new GrpcJsProbe(address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
});

test('the default host answers on IPv4 and on IPv6', async () => {
  await using daemon = await startDaemon({ config: { host: '::' } });
  for (const address of [`127.0.0.1:${daemon.port}`, `[::1]:${daemon.port}`]) {
    await using probe = new GrpcJsProbe(address);
    const { code, messages } = await probe.call('Probe/Identify');
    assert.equal(code, 'OK', address);
    assert.match(messages[0]?.peer ?? '', /127\.0\.0\.1|::1/);
  }
});

test('a unix socket serves calls, and goes away with the daemon', async () => {
  using dir = new TempDir();
  const path = dir.join('grpc.sock');
  {
    await using daemon = await startDaemon({ config: { host: `unix:${path}`, maxWorkers: 2 } });
    await using probe = new GrpcJsProbe(`unix:${path}`);
    assert.equal((await probe.call('Probe/Echo', { body: Buffer.from('x') })).code, 'OK');
    assert.equal((await daemon.status()).address, `unix:${path}`);
  }
  assert(!existsSync(path));
});

test('the socket file of a killed daemon is replaced', async () => {
  using dir = new TempDir();
  const path = dir.join('grpc.sock');
  const config = { host: `unix:${path}` };
  {
    await using killed = await startDaemon({ config });
    killed.signal('SIGKILL');
    await killed.exit;
  }
  assert(statSync(path).isSocket());
  await using daemon = await startDaemon({ config });
  await using probe = new GrpcJsProbe(`unix:${path}`);
  assert.equal((await daemon.until(probe.call('Probe/Echo'), 'an answer')).code, 'OK');
});

test('a socket on which somebody listens is left alone', async () => {
  using dir = new TempDir();
  const path = dir.join('grpc.sock');
  const owner = createServer().listen(path);
  await new Promise((resolve) => owner.once('listening', resolve));
  const { code, log } = await failDaemon({ config: { host: `unix:${path}` } });
  assert.equal(code, EXIT.osError, log.text);
  await new Promise<void>((resolve, reject) => {
    const client = connect(path, () => {
      client.end();
      resolve();
    });
    client.once('error', reject);
  });
  owner.close();
});

test('an ordinary file is never taken for a stale socket', async () => {
  using dir = new TempDir();
  const path = dir.join('precious.txt');
  writeFileSync(path, 'precious');
  const { code, log } = await failDaemon({ config: { host: `unix:${path}` }, deadline: 5000 });
  assert.equal(code, EXIT.osError, log.text);
  assert(statSync(path).isFile());
});

test('the pidfile holds the pid of the primary while it runs', async () => {
  using dir = new TempDir();
  const pidfile = dir.join('grpcserverd.pid');
  {
    await using daemon = await startDaemon({ config: { pidfile } });
    assert.equal(readFileSync(pidfile, 'utf8').trim(), String(daemon.pid));
  }
  assert(!existsSync(pidfile));
});

test('connections over maxConnections are refused and counted, and let in again when others have closed', async () => {
  await using daemon = await startDaemon({ config: { maxConnections: 2 } });
  const first = new GrpcJsProbe(daemon.address);
  await using second = new GrpcJsProbe(daemon.address);
  for (const probe of [first, second]) assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  await using third = new GrpcJsProbe(daemon.address);
  assert.equal((await third.call('Probe/Echo', {}, { timeoutMs: 3000 })).code, 'UNAVAILABLE');
  assert.equal((await daemon.waitFor('connection.refused')).reason, 'over-limit');
  assert.equal((await second.call('Probe/Echo')).code, 'OK');

  await first[Symbol.asyncDispose]();
  // The client that was refused waits a second or so before it tries again.
  await daemon.deadline.poll(async () => ((await third.call('Probe/Echo')).code === 'OK' ? true : undefined), 'an answer to the third client');
});
