// Sockets that were opened before the daemon, as any service manager may pass them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, readdirSync, renameSync, statSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { test } from 'node:test';
import { EXIT } from '#src/shared/exit-codes.js';
import { failDaemon, startDaemon } from '../support/daemon.js';
import { BIN } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { get } from '../support/scrape.js';
import { TempDir } from '../support/temp-dir.js';

const skip = process.platform !== 'linux' && 'needs /proc';

/** Starts the bin with variables; a LISTEN_PID of $$ is its own, for the shell becomes it. */
function launcher(variables: string): readonly [string, ...string[]] {
  return ['/bin/sh', '-c', `${variables} exec "$0" "$@"`, process.execPath, BIN, 'start'];
}

async function listening(where: { path: string } | { port: number; host: string }): Promise<{ server: Server; fd: number }> {
  const server = createServer().listen(where);
  await once(server, 'listening');
  // The handle of a listening server has the descriptor; Node's types leave it out.
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
  return { server, fd };
}

const environment = (pid: number): string[] => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');

/** Inodes of the sockets that a process has open. */
function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
}

test('several passed sockets serve instead of the address, also after a reload that changes it', { skip }, async () => {
  using dir = new TempDir();
  const path = dir.join('grpc sock');
  const tcp = await listening({ port: 0, host: '127.0.0.1' });
  const unix = await listening({ path });
  const { port } = tcp.server.address() as AddressInfo;
  const inodes = [tcp.fd, unix.fd].map((fd) => `socket:[${readlinkSync(`/proc/self/fd/${fd}`).replace(/\D/g, '')}]`);
  {
    await using daemon = await startDaemon({
      launcher: launcher('LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=public:unknown'),
      passed: [tcp.fd, unix.fd],
      config: { host: '::1', port: 50_051 },
    });
    // They are the daemon's alone now: else a connection might come to us. (Node would take the file of a socket along.)
    tcp.server.close();
    renameSync(path, `${path}~`);
    unix.server.close();
    await once(unix.server, 'close');
    renameSync(`${path}~`, path);
    const said = daemon.log.all('daemon.sockets-passed')[0];
    assert.deepEqual([said?.sockets, said?.instead], [[`public: 127.0.0.1:${port}`, `unnamed: unix:${path}`], '[::1]:50051']);
    assert.deepEqual(daemon.log.all('daemon.listening').map(({ address }) => address), [`127.0.0.1:${port}`, `unix:${path}`]);
    daemon.configure({ port: 1 });
    assert.equal((await daemon.reload()).report.verdict, 'done', daemon.log.text);
    for (const address of [`127.0.0.1:${port}`, `unix:${path}`]) {
      await using probe = new GrpcJsProbe(address);
      assert.equal((await daemon.until(probe.call('Probe/Echo'), 'an answer')).code, 'OK', address);
    }
    const worker = daemon.workerPid();
    assert.deepEqual(environment(worker).filter((variable) => variable.startsWith('LISTEN_')), []);
    assert.deepEqual(socketsOf(worker).filter((socket) => inodes.includes(socket)), [], 'workers hold the listening sockets');
  }
  assert(statSync(path).isSocket(), 'the file of a passed socket belongs to whoever passed it');
});

test('a passed socket with the name admin is that of the page, whatever a config says of it, and no port for calls', { skip }, async () => {
  const admin = await listening({ port: 0, host: '127.0.0.1' });
  const { port } = admin.server.address() as AddressInfo;
  await using daemon = await startDaemon({ launcher: launcher('LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=admin'), passed: [admin.fd] });
  admin.server.close();
  assert.deepEqual(daemon.log.all('admin.listening').map(({ address }) => address), [`127.0.0.1:${port}`]);
  assert.deepEqual(daemon.log.all('daemon.sockets-passed'), [], 'the address of the config serves');
  assert.equal((await get(daemon, '/readyz')).status, 200);
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  for (const wanted of ['127.0.0.1:1', null]) {
    daemon.configure({ admin: wanted });
    const { report } = await daemon.reload();
    assert.equal(report.verdict, 'done', report.error);
    assert.equal((await get(daemon, '/readyz')).status, 200);
  }
});

for (const [variables, warning] of [
  ['LISTEN_PID=$$ LISTEN_FDS=many', /^LISTEN_FDS is "many"/],
  ['LISTEN_PID=1 LISTEN_FDS=1', /LISTEN_PID is 1 and not \d+/],
] as const) {
  test(`with ${variables} the address of the config serves, and a warning says why`, async () => {
    await using daemon = await startDaemon({ launcher: launcher(variables) });
    assert.match(String(daemon.log.all('config.warning')[0]?.warning), warning);
    await using probe = new GrpcJsProbe(daemon.address);
    assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  });
}

test('a descriptor that is no listening socket is refused by number and name', { skip }, async () => {
  const file = openSync('/dev/null', 'r');
  const { code, log } = await failDaemon({ launcher: launcher('LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=grpc'), passed: [file] });
  closeSync(file);
  assert.equal(code, EXIT.osError, log.text);
  assert.match(log.stderr, /descriptor 3 \(grpc\).*LISTEN_FDS: it is no socket/);
  const missing = await failDaemon({ launcher: launcher('LISTEN_PID=$$ LISTEN_FDS=900') });
  assert.equal(missing.code, EXIT.osError, missing.log.text);
  assert.match(missing.log.stderr, /descriptor \d+, which was passed/);
});

test('a notify socket that is gone costs a line in the log and nothing else', { skip: !existsSync('/usr/bin/systemd-notify') && process.env.CI === undefined && 'needs systemd-notify (Debian: systemd)' }, async () => {
  using dir = new TempDir();
  await using daemon = await startDaemon({ env: { NOTIFY_SOCKET: dir.join('gone'), WATCHDOG_USEC: '300000' } });
  assert.match(String((await daemon.waitFor('systemd.notify-failed')).error), /connect|No such file/);
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict], [0, 'done']);
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  assert.equal((await daemon.stop()).code, 0);
  assert.equal(daemon.log.all('systemd.notify-failed').length, 1, daemon.log.text);
});

test('without systemd-notify the daemon serves on, and says what is missing', async () => {
  using dir = new TempDir();
  await using daemon = await startDaemon({ env: { NOTIFY_SOCKET: dir.join('gone'), PATH: dir.path } });
  assert.equal((await daemon.waitFor('systemd.notify-failed')).error, 'systemd-notify is not installed');
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
});
