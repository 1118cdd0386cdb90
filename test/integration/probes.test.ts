// /livez and /readyz, what a load balancer sees of a stop, and the address of the page.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { failDaemon, startDaemon, type Daemon } from '../support/daemon.js';
import { GrpcJsPeer } from '../support/grpc-js-peer.js';
import { SERVICER, startOwn, hook } from '../support/own-servicer.js';
import { GrpcJsProbe } from '../support/probe.js';
import { adminUrl, get, scrape } from '../support/scrape.js';

const config: UserConfig = { maxWorkers: 2, admin: '127.0.0.1:0' };

const ready = async (daemon: Daemon): Promise<number> => (await get(daemon, '/readyz')).status;
const until = (daemon: Daemon, status: number): Promise<true> =>
  daemon.deadline.poll(async () => ((await ready(daemon)) === status ? true : undefined), `/readyz says ${status}`, () => daemon.log.text);

/** The status of the whole server as gRPC health gives it: 1 is SERVING, 2 NOT_SERVING. */
async function health(address: string): Promise<number | string> {
  await using peer = new GrpcJsPeer(address);
  const { code, messages } = await peer.call({ method: '/grpc.health.v1.Health/Check', kind: 'unary', send: [Buffer.alloc(0)] });
  return code === 'OK' ? (messages[0]?.[1] ?? 0) : code;
}

test('a server is ready through a reload, and not ready from the beginning of its stop on, while it still serves', async () => {
  await using daemon = await startDaemon({ config: { ...config, shutdownDelay: '6s' } });
  const seen = new Set<number>();
  const reload = daemon.reload();
  const isOver = (): Promise<boolean> => Promise.race([reload.then(() => true), ready(daemon).then((status) => !seen.add(status))]);
  while (!(await isOver()));
  assert.equal((await reload).report.verdict, 'done');
  assert.deepEqual([...seen], [200]);

  assert.equal(await health(daemon.address), 1);
  daemon.signal('SIGTERM');
  const { ms } = await daemon.waitFor('daemon.leaving');
  assert.equal(ms, 6000);
  assert.deepEqual(await get(daemon, '/readyz'), { status: 503, text: 'stopping\n' });
  assert.equal((await get(daemon, '/livez')).status, 200);
  assert.equal((await get(daemon, '/metrics')).status, 200);
  assert.equal((await daemon.status()).health, 'stopping');
  await daemon.deadline.poll(async () => ((await health(daemon.address)) === 2 ? true : undefined), 'NOT_SERVING');
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'OK', 'a new connection is served');
  assert.deepEqual(daemon.log.all('daemon.stopping'), [], 'and all of that within shutdownDelay');
  await daemon.waitFor('daemon.stopping', { cause: 'SIGTERM', quick: false });
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), { code: 0, signal: null });
});

test('the page is there until the last call has ended', async () => {
  await using daemon = await startDaemon({ config });
  await using probe = new GrpcJsProbe(daemon.address);
  const call = probe.call('Probe/Sleep', { ms: 3000 });
  await daemon.deadline.poll(async () => ((await scrape(daemon)).sum('grpc_server_started_total', { grpc_method: 'Sleep' }) === 1 ? true : undefined), 'the start of the call');
  daemon.signal('SIGTERM');
  await daemon.waitFor('daemon.stopping');
  assert.deepEqual(await get(daemon, '/readyz'), { status: 503, text: 'stopping\n' });
  assert.equal((await get(daemon, '/livez')).status, 200);
  const page = await scrape(daemon);
  assert.equal(page.sum('grpcserverd_ready'), 0);
  assert.equal(page.sum('grpcserverd_workers_wanted'), 0);
  assert.equal(page.sum('grpc_server_handled_total', { grpc_method: 'Sleep' }), 0);
  assert.equal((await call).code, 'OK');
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), { code: 0, signal: null });
});

test('a second signal ends the wait of shutdownDelay', async () => {
  await using daemon = await startDaemon({ config: { ...config, shutdownDelay: '1h' } });
  daemon.signal('SIGTERM');
  await daemon.waitFor('daemon.leaving');
  daemon.signal('SIGQUIT');
  await daemon.waitFor('daemon.stopping', { quick: true });
  assert.deepEqual(await daemon.until(daemon.exit, 'its exit'), { code: 0, signal: null });
});

test('a server is ready when minReadyWorkers are', async () => {
  await using daemon = await startOwn({ ...config, minReadyWorkers: 2 });
  assert.deepEqual(await get(daemon, '/readyz'), { status: 200, text: 'ready: 2 of 2 workers are ready, 2 must be\n' });
  daemon.dir.write(SERVICER, hook('await new Promise((resolve) => setTimeout(resolve, 1000));', 'await probe(server, context);'));
  process.kill(daemon.workerPid(0), 'SIGKILL');
  await until(daemon, 503);
  assert.equal((await get(daemon, '/livez')).status, 200);
  await until(daemon, 200);
});

test('an admin address that is taken ends a start, and is said to be that of admin', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const { code, log } = await failDaemon({ config: { admin: `127.0.0.1:${port}` } });
    assert.equal(code, 71);
    assert.match(log.stderr, new RegExp(`admin: 127\\.0\\.0\\.1:${port} is taken`));
    assert.match(log.stderr, /Give admin another address/);

    await using daemon = await startDaemon({ config });
    const before = adminUrl(daemon);
    daemon.configure({ admin: `127.0.0.1:${port}`, port: 0, host: 'localhost' });
    const { code: exitCode, report } = await daemon.reload();
    assert.deepEqual([exitCode, report.verdict], [1, 'refused']);
    assert.match(report.error, /^admin: /);
    assert.equal(adminUrl(daemon), before);
    assert.equal(await ready(daemon), 200);
    await using probe = new GrpcJsProbe(daemon.address);
    assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'OK', 'the port is where it was');
  } finally {
    server.close();
  }
});

test('a reload moves the page, switches it off, and on', async () => {
  await using daemon = await startDaemon({ config: { ...config, maxWorkers: 1 } });
  const first = adminUrl(daemon);
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'OK');
  daemon.configure({ admin: 'localhost:0' });
  assert.equal((await daemon.reload()).report.verdict, 'done');
  const second = adminUrl(daemon);
  assert.notEqual(second, first);
  assert.equal(await ready(daemon), 200);
  await assert.rejects(fetch(`${first}/livez`));

  daemon.configure({ admin: null });
  assert.equal((await daemon.reload()).report.verdict, 'done');
  await assert.rejects(fetch(`${second}/livez`));
  assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'OK');

  daemon.configure({ admin: '127.0.0.1:0' });
  assert.equal((await daemon.reload()).report.verdict, 'done');
  const { text } = await get(daemon, '/metrics');
  assert.match(text, /grpc_server_handled_total\{[^}]*grpc_method="Echo",grpc_code="OK"\} 2\n/, 'what was counted meanwhile is there');
});

test('the page can be a unix socket, which goes with the daemon', async () => {
  await using daemon = await startDaemon({ config: { ...config, admin: 'unix:./admin.sock' } });
  const { request } = await import('node:http');
  const asked = request({ socketPath: daemon.dir.join('admin.sock'), path: '/readyz' }).end();
  const [response] = (await daemon.until(once(asked, 'response'), 'an answer')) as [{ statusCode: number }];
  assert.equal(response.statusCode, 200);
  await daemon.stop();
  assert.deepEqual(daemon.dir.files('.').filter((name) => name.endsWith('admin.sock')), []);
});
